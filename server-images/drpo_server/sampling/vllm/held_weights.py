"""Which weights a vLLM sampler holds: any number of adapters on its base, or one model in the base's place."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drpo_server.checkpoints import SavedModel
from drpo_server.engine.base_folder import weight_files
from drpo_server.errors import FailedPrecondition
from drpo_server.fenced_run import describe_version
from drpo_server.proto_gen.common_pb2 import ModelRef, ModelVersion
from drpo_server.sampling.vllm.adapter_folder import write_adapter_folder
from drpo_server.sampling.vllm.engine import VllmEngine

ADAPTER, MERGED = "adapter", "merged weights"

Key = tuple[str, str]
"""A run and the name of a model in it."""


@dataclass
class Held:
    """A version that can be sampled from."""

    version: ModelVersion
    held_as: str
    adapter: Any = None
    """vLLM's LoRARequest; None: the model is in the base's place."""
    folder: Path | None = None
    users: int = 0
    """Calls under way that sample from it."""
    retired: bool = False


class HeldWeights:
    """Thread-safe. One change at a time (`hold_*`, by the thread of mutating calls), any number of users."""

    def __init__(self, engine: VllmEngine) -> None:
        self._engine = engine
        self._changed = threading.Condition()
        self._held: dict[Key, Held] = {}
        self._users = 0
        self._replacing = False
        self._base_is_loaded = True
        self._names = itertools.count(1)
        self._folders = Path(tempfile.mkdtemp(prefix="drpo-adapters-"))

    @contextmanager
    def using(self, run_id: str, ref: ModelRef) -> Iterator[Held]:
        """The model at the version asked for; it stays until the block ends. Raises FailedPrecondition without it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._replacing)
            held = self._find(run_id, ref)
            held.users += 1
            self._users += 1
        try:
            yield held
        finally:
            self._release(held)

    @contextmanager
    def using_base(self) -> Iterator[None]:
        """The base without an adapter. Raises FailedPrecondition if a model is in its place."""
        with self._changed:
            self._changed.wait_for(lambda: not self._replacing)
            if not self._base_is_loaded:
                raise FailedPrecondition("merged weights are in the place of this server's base: sync an adapter first")
            self._users += 1
        try:
            yield
        finally:
            self._release(None)

    def relabel(self, key: Key, version: ModelVersion) -> Held | None:
        """The held model, if it has the version's weights already; of another generation, maybe: it is relabelled."""
        with self._changed:
            held = self._held.get(key)
            if held is None or held.version.weights_hash != version.weights_hash:
                return None
            held.version = version
            return held

    def hold_adapter(self, key: Key, version: ModelVersion, saved: SavedModel, weights_file: Path) -> Held:
        """Loads an adapter beside those of other models; the older version of this model goes when nobody uses it."""
        if not self._base_is_loaded:
            self._replace({"files": self.base_files()}, loads_base=True)
        # A name of its own for every version: vLLM tells cached prefixes of adapters apart by their names.
        name = f"{next(self._names)}-{version.weights_hash[:16]}"
        folder = write_adapter_folder(self._folders / name, saved, weights_file)
        held = Held(version, ADAPTER, self._engine.add_adapter(name, folder), folder)
        self._put(key, held)
        return held

    def hold_merged(
        self,
        key: Key,
        version: ModelVersion,
        update: Mapping[str, Any],
        group: Mapping[str, Any] | None = None,
    ) -> Held:
        """Puts a model in the base's place (update, group: as of VllmEngine.replace_weights); it alone is held then."""
        self._replace(update, loads_base=False, group=group)
        held = Held(version, MERGED)
        self._put(key, held)
        return held

    def base_files(self) -> list[str]:
        """The safetensors files of the base, as an update names them."""
        return [str(file) for file in weight_files(self._engine.path)]

    def drop_run(self, run_id: str) -> None:
        """Forgets the models of a run."""
        with self._changed:
            for key in [key for key in self._held if key[0] == run_id]:
                self._retire(self._held.pop(key))

    def close(self) -> None:
        shutil.rmtree(self._folders, ignore_errors=True)

    def _find(self, run_id: str, ref: ModelRef) -> Held:
        held = self._held.get((run_id, ref.model))
        if held is None:
            others = ", ".join(sorted(f"{model} of {run}" for run, model in self._held)) or "none"
            raise FailedPrecondition(
                f"this sampler does not hold model {ref.model!r} of run {run_id!r} (asked for: "
                f"{describe_version(ref.version)}; held: {others}): call SyncWeights first"
            )
        if ref.HasField("version") and held.version != ref.version:
            raise FailedPrecondition(
                f"this sampler holds model {ref.model!r} of run {run_id!r} at version {describe_version(held.version)}"
                f", not at {describe_version(ref.version)}: call SyncWeights first"
            )
        return held

    def _replace(self, update: Mapping[str, Any], *, loads_base: bool, group: Mapping[str, Any] | None = None) -> None:
        with self._changed:
            self._replacing = True
            self._changed.wait_for(lambda: self._users == 0)
            for held in self._held.values():
                self._retire(held)
            self._held.clear()
            self._base_is_loaded = False
        try:
            self._engine.replace_weights(update, group)
            self._base_is_loaded = loads_base
        finally:
            with self._changed:
                self._replacing = False
                self._changed.notify_all()

    def _put(self, key: Key, held: Held) -> None:
        with self._changed:
            older = self._held.get(key)
            self._held[key] = held
            if older is not None:
                self._retire(older)

    def _release(self, held: Held | None) -> None:
        with self._changed:
            self._users -= 1
            if held is not None:
                held.users -= 1
                if held.retired:
                    self._retire(held)
            self._changed.notify_all()

    def _retire(self, held: Held) -> None:
        """Frees an adapter, or marks it so that its last user does. Under the lock."""
        held.retired = True
        if held.users == 0 and held.folder is not None:
            self._engine.remove_adapter(held.adapter)
            shutil.rmtree(held.folder, ignore_errors=True)
            held.folder = None
