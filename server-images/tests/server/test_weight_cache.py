"""Downloads that break off, and what is done with what came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from drpo_server.errors import DataLoss, Unavailable
from drpo_server.storage import MANIFEST
from drpo_server.weight_cache import WeightCache

WEIGHTS = bytes(range(256)) * 4
NAME = f"sync/policy-{'a' * 16}"


def ignore(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Trainer:
    """Sends a checkpoint of one file, 100 bytes at a time, and breaks off when told to."""

    def __init__(self, weights: bytes = WEIGHTS) -> None:
        digest = hashlib.sha256(WEIGHTS).hexdigest()
        files = {"policy.safetensors": {"bytes": len(WEIGHTS), "sha256": digest}}
        self._content = {MANIFEST: json.dumps({"files": files}).encode(), "policy.safetensors": weights}
        self.manifest_hash = hashlib.sha256(self._content[MANIFEST]).hexdigest()
        self.sent = 0
        self.breaks_after: int | None = None

    def read(self, path: str, offset: int) -> Iterator[bytes]:
        content = self._content[path]
        for start in range(offset, len(content), 100):
            if path != MANIFEST and self.breaks_after is not None and self.sent >= self.breaks_after:
                raise Unavailable("broken off")
            chunk = content[start : start + 100]
            self.sent += len(chunk) if path != MANIFEST else 0
            yield chunk


def fetch(cache: WeightCache, trainer: Trainer) -> Path:
    return cache.fetch(NAME, trainer.manifest_hash, trainer.read, ignore)


def test_a_download_goes_on_where_it_broke_off_and_is_not_repeated(tmp_path: Path) -> None:
    cache, trainer = WeightCache(tmp_path), Trainer()
    trainer.breaks_after = 300
    with pytest.raises(Unavailable):
        fetch(cache, trainer)
    assert not (tmp_path / NAME).exists()
    trainer.breaks_after = None
    folder = fetch(cache, trainer)
    assert (folder / "policy.safetensors").read_bytes() == WEIGHTS
    assert trainer.sent == len(WEIGHTS)
    assert fetch(cache, trainer) == folder
    assert trainer.sent == len(WEIGHTS)


def test_a_beginning_that_was_wrong_is_thrown_away(tmp_path: Path) -> None:
    cache, trainer = WeightCache(tmp_path), Trainer()
    trainer.breaks_after = 300
    with pytest.raises(Unavailable):
        fetch(cache, trainer)
    [partial] = tmp_path.glob("sync/.*/policy.safetensors")
    partial.write_bytes(b"x" * 300)
    trainer.breaks_after = None
    assert (fetch(cache, trainer) / "policy.safetensors").read_bytes() == WEIGHTS


def test_what_differs_from_its_hash_is_not_taken(tmp_path: Path) -> None:
    damaged = Trainer(weights=WEIGHTS[:-1] + b"?")
    with pytest.raises(DataLoss, match=r"policy\.safetensors"):
        fetch(WeightCache(tmp_path), damaged)
    assert not (tmp_path / NAME).exists()
    with pytest.raises(DataLoss, match=MANIFEST):
        WeightCache(tmp_path).fetch(NAME, "b" * 64, Trainer().read, ignore)
