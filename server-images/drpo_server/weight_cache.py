"""Downloaded checkpoints on a sampler's disk: complete and verified, or being downloaded and to be gone on with."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from drpo_server.durable_files import hash_file
from drpo_server.engine.types import OnProgress
from drpo_server.errors import DataLoss
from drpo_server.storage import MANIFEST
from drpo_server.stored_files import check_path

ReadFrom = Callable[[str, int], Iterator[bytes]]
"""(path of a file, first byte) -> its content from there on."""

_VERSIONED = re.compile(r"\.?(?P<model>.+)-[0-9a-f]{16}(\..+)?")


class WeightCache:
    """One folder for each checkpoint, by its name; of a model only the newest is kept."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, name: str, manifest_hash: str, read: ReadFrom, on_progress: OnProgress) -> Path:
        """The folder of a checkpoint. What is there of an earlier attempt is not read again.

        on_progress gets (bytes, bytes in all). Raises DataLoss if what comes differs from its hashes, and what `read`
        raises.
        """
        folder = self._root / name
        if _hash_of(folder / MANIFEST) == manifest_hash:
            return folder
        partial = folder.with_name(f".{folder.name}.{manifest_hash}")
        self._remove_others(folder, keep=partial)
        partial.mkdir(parents=True, exist_ok=True)
        manifest = _fetch_manifest(partial / MANIFEST, manifest_hash, read)
        files: dict[str, dict[str, Any]] = manifest["files"]
        total, before = sum(file["bytes"] for file in files.values()), 0
        for path, file in files.items():
            target = partial / check_path(path, f"{name}/{MANIFEST}")
            target.parent.mkdir(parents=True, exist_ok=True)
            for done in _fetch_file(target, file["bytes"], file["sha256"], functools.partial(read, path)):
                on_progress(before + done, total)
            before += file["bytes"]
        partial.rename(folder)
        return folder

    def _remove_others(self, folder: Path, keep: Path) -> None:
        """Other versions of the model, half of them or whole: they are loaded, or will not be asked for."""
        ours = _VERSIONED.fullmatch(folder.name)
        if not folder.parent.is_dir():
            return
        for other in folder.parent.iterdir():
            match = _VERSIONED.fullmatch(other.name)
            is_same_model = ours is not None and match is not None and match["model"] == ours["model"]
            if (other == folder or is_same_model) and other != keep:
                shutil.rmtree(other)


def _hash_of(path: Path) -> str | None:
    return hash_file(path) if path.is_file() else None


def _fetch_manifest(target: Path, manifest_hash: str, read: ReadFrom) -> dict[str, Any]:
    content = target.read_bytes() if target.is_file() else b""
    if hashlib.sha256(content).hexdigest() != manifest_hash:
        content = b"".join(read(MANIFEST, 0))
        if hashlib.sha256(content).hexdigest() != manifest_hash:
            raise DataLoss(
                f"what the trainer sent as {target.name} does not have hash {manifest_hash}: publish it anew"
            )
        target.write_bytes(content)
    manifest: dict[str, Any] = json.loads(content)
    return manifest


def _fetch_file(target: Path, size: int, sha256: str, read: Callable[[int], Iterator[bytes]]) -> Iterator[int]:
    """Fetches the file; yields the bytes that are there. What is there already is taken as its beginning, and thrown
    away if that was wrong."""
    done = target.stat().st_size if target.is_file() else 0
    is_fresh = done == 0
    if done < size or is_fresh:
        with target.open("ab") as stream:
            for chunk in read(done):
                stream.write(chunk)
                done += len(chunk)
                yield done
    if hash_file(target) == sha256:
        return
    target.unlink()
    if is_fresh:
        raise DataLoss(f"what the trainer sent as {target.name} does not have hash {sha256}: publish it anew")
    yield from _fetch_file(target, size, sha256, read)
