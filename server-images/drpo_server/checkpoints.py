"""Checkpoints on disk: the weights of each model, the moments of each optimiser, and a manifest with the hash of every
file.

One process writes a safetensors file for each model's weights and one for each optimiser's moments
("drpo-checkpoint/1"). Several processes write a folder in the place of each, with a file of each process
("drpo-sharded-checkpoint/1", sharded_tensors.py), so that none ever holds all of it. What is written without optimiser
state is for samplers, too, and always in the form of one process. Any number of processes reads either.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from drpo_server.durable_files import hash_file, new_folder, sync
from drpo_server.engine.group import Group
from drpo_server.engine.types import Head, LoraShape, OnProgress
from drpo_server.errors import DataLoss, InvalidArgument, NotFound
from drpo_server.in_step import on_every, on_first
from drpo_server.sharded_tensors import read_tensors, write_shard
from drpo_server.storage import MANIFEST, RequestIdentity, folder_bytes, read_manifest, write_manifest

if TYPE_CHECKING:
    from drpo_server.engine.model import Model

FORMAT = "drpo-checkpoint/1"
SHARDED_FORMAT = "drpo-sharded-checkpoint/1"
_FORMATS = (FORMAT, SHARDED_FORMAT)


@dataclass(frozen=True)
class SavedModel:
    """What a manifest says of one model."""

    name: str
    base: str
    """Folder of the base when it was saved."""
    base_hash: str
    lora: LoraShape | None
    head: Head
    trainable: bool
    optimizer_step: int
    weights_hash: str
    weights_file: str
    """A folder of files in a sharded checkpoint."""
    optimizer_file: str | None
    """None: saved without optimiser state."""


@dataclass(frozen=True)
class SavedFile:
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint whose manifest was verified."""

    uri: str
    folder: Path
    models: list[SavedModel]
    files: dict[str, SavedFile]
    sharded: bool

    def files_of(self, name: str) -> dict[str, SavedFile]:
        """The file of this name, or those in the folder of this name."""
        if not self.sharded:
            return {name: self.files[name]}
        return {path: file for path, file in self.files.items() if path.startswith(f"{name}/")}


@dataclass(frozen=True)
class Written:
    manifest_hash: str
    bytes: int


_WRITTEN_ELSEWHERE = Written("", 0)
"""By another process."""


def write_checkpoint(
    folder: Path,
    models: Sequence[Model],
    *,
    group: Group,
    with_optimizer_state: bool,
    request: RequestIdentity,
    on_progress: OnProgress,
) -> Written:
    """Writes models; a checkpoint that is there already is replaced, whole. Of several processes only the first says
    what was written.

    on_progress gets (bytes written, bytes in all).
    """
    if group.size > 1 and with_optimizer_state:
        return _write_sharded(folder, models, group, request, on_progress)
    files = {f"{model.name}.safetensors": model.state for model in models}
    if with_optimizer_state:
        files |= {f"{model.name}.optimizer.safetensors": model.optimizer_state for model in models if model.trainable}
    described = [_describe(model, f"{model.name}.safetensors", _moments_file(model, files)) for model in models]
    if group.size > 1:  # weights are gathered together, but written by one
        files = {name: partial(dict, _on_first(group, state())) for name, state in files.items()}
    advance = _counted(models, with_optimizer_state, on_progress)

    def write() -> Written:
        saved_files: dict[str, SavedFile] = {}
        with new_folder(folder) as unfinished:
            for name, state in files.items():
                save_file(state(), unfinished / name)
                saved_files[name] = _saved_file(unfinished / name, advance)
            manifest_hash = write_manifest(unfinished, _manifest(FORMAT, request, described, saved_files))
            return Written(manifest_hash, folder_bytes(unfinished))

    return on_first(group, write) or _WRITTEN_ELSEWHERE


def _write_sharded(
    folder: Path, models: Sequence[Model], group: Group, request: RequestIdentity, on_progress: OnProgress
) -> Written:
    contents = {f"{model.name}.weights": model.spread_state() for model in models}
    contents |= {f"{model.name}.optimizer": model.spread_optimizer_state() for model in models if model.trainable}
    described = [
        _describe(model, f"{model.name}.weights", f"{model.name}.optimizer" if model.trainable else None)
        for model in models
    ]
    advance = _counted(models, True, on_progress)
    with ExitStack() as stack:
        made = on_first(group, lambda: stack.enter_context(new_folder(folder)))
        unfinished = Path(group.bytes_from(0, os.fsencode(made) if made is not None else b"").decode())

        def write_own() -> dict[str, SavedFile]:
            saved: dict[str, SavedFile] = {}
            for name, tensors in contents.items():
                (unfinished / name).mkdir(exist_ok=True)
                file = write_shard(unfinished / name, tensors, group)
                if file is not None:
                    sync(file)
                    saved[f"{name}/{file.name}"] = _saved_file(file, advance)
            return saved

        own = on_every(group, write_own)
        parts = group.to_first(json.dumps({name: asdict(file) for name, file in own.items()}).encode())

        def finish() -> Written:
            saved = {name: SavedFile(**file) for part in parts for name, file in json.loads(part).items()}
            manifest_hash = write_manifest(unfinished, _manifest(SHARDED_FORMAT, request, described, saved))
            size = folder_bytes(unfinished)
            stack.close()
            return Written(manifest_hash, size)

        return on_first(group, finish) or _WRITTEN_ELSEWHERE


def _counted(models: Sequence[Model], with_optimizer_state: bool, on_progress: OnProgress) -> Callable[[int], None]:
    """Takes the size of each piece that was written."""
    # An estimate until the last file is written: moments are as many as weights, twice.
    total = sum(
        4 * model.trainable_weights * (3 if with_optimizer_state and model.trainable else 1) for model in models
    )
    written = 0

    def advance(size: int) -> None:
        nonlocal written
        written += size
        on_progress(written, max(total, written))

    return advance


def _on_first(group: Group, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return state if group.rank == 0 else {}


def _moments_file(model: Model, files: Container[str]) -> str | None:
    name = f"{model.name}.optimizer.safetensors"
    return name if name in files else None


def _saved_file(path: Path, advance: Callable[[int], None]) -> SavedFile:
    return SavedFile(hash_file(path, advance), path.stat().st_size)


def _manifest(
    kind: str, request: RequestIdentity, models: list[dict[str, Any]], files: Mapping[str, SavedFile]
) -> dict[str, Any]:
    return {
        "format": kind,
        "request": request.as_json(),
        "models": models,
        "files": {name: asdict(file) for name, file in files.items()},
    }


def find_written(folder: Path, uri: str, request: RequestIdentity) -> Written | None:
    """The checkpoint that the same request wrote before. Raises InvalidArgument if it had another payload."""
    try:
        manifest, manifest_hash = read_manifest(folder, uri)
    except (FileNotFoundError, NotADirectoryError, DataLoss):
        return None
    written_by = manifest.get("request")
    if manifest.get("format") not in _FORMATS or not isinstance(written_by, dict):
        return None
    if (written_by.get("run_id"), written_by.get("request_id")) != (request.run_id, request.request_id):
        return None
    if written_by.get("payload_hash") != request.payload_hash:
        raise InvalidArgument(
            f"mutation.request_id {request.request_id!r} of run {request.run_id!r} wrote {uri} with another payload: "
            "give every "
            "request an id of its own"
        )
    return Written(manifest_hash, folder_bytes(folder))


def open_checkpoint(folder: Path, uri: str, manifest_hash: str) -> Checkpoint:
    """Raises NotFound without a checkpoint, DataLoss if its manifest is not the one expected, InvalidArgument for an
    export."""
    try:
        manifest, actual_hash = read_manifest(folder, uri)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"there is no checkpoint {uri} in {folder}: check the server's roots, or take another one"
        ) from error
    if actual_hash != manifest_hash:
        raise DataLoss(
            f"{uri}/{MANIFEST} has hash {actual_hash}, not {manifest_hash}: it was damaged, or written anew by "
            "another request. "
            "Take another checkpoint"
        )
    if manifest.get("format") not in _FORMATS:
        raise InvalidArgument(f"{uri} is {manifest.get('format')!r}, not {FORMAT!r}: name a checkpoint")
    files = {name: SavedFile(**file) for name, file in manifest["files"].items()}
    models = [_parse(entry) for entry in manifest["models"]]
    return Checkpoint(uri, folder, models, files, sharded=manifest["format"] == SHARDED_FORMAT)


def load_tensors(
    checkpoint: Checkpoint,
    name: str,
    advance: Callable[[int], None],
    place: Callable[[str, torch.Size], Tensor] = lambda _, shape: torch.empty(shape),
) -> dict[str, Tensor]:
    """The tensors of one file, or of the files in one folder of a sharded checkpoint.

    place: gives what to read a tensor of a sharded checkpoint into, by name and shape.
    Raises DataLoss, naming the file, if one is not there or differs from its hash.
    """
    files = checkpoint.files_of(name)
    for path, file in files.items():
        where = f"{checkpoint.uri}/{path}"
        try:
            actual = hash_file(checkpoint.folder / path, advance)
        except FileNotFoundError as error:
            raise DataLoss(f"{where} cannot be read ({error}): take another checkpoint") from error
        if actual != file.sha256:
            raise DataLoss(f"{where} has hash {actual}, not {file.sha256}: it is damaged, so take another checkpoint")
    try:
        if checkpoint.sharded:
            return read_tensors(checkpoint.folder / name, place) if files else {}
        return load_file(checkpoint.folder / name)
    except (FileNotFoundError, SafetensorError) as error:
        raise DataLoss(f"{checkpoint.uri}/{name} cannot be read ({error}): take another checkpoint") from error


def _describe(model: Model, weights_file: str, optimizer_file: str | None) -> dict[str, Any]:
    saved = SavedModel(
        name=model.name,
        base=str(model.base.path),
        base_hash=model.base.base_hash,
        lora=model.lora,
        head=model.head,
        trainable=model.trainable,
        optimizer_step=model.optimizer_step,
        weights_hash=model.weights_hash(),
        weights_file=weights_file,
        optimizer_file=optimizer_file,
    )
    return {**asdict(saved), "head": saved.head.value}


def _parse(entry: dict[str, Any]) -> SavedModel:
    lora = entry["lora"]
    shape = LoraShape(**{**lora, "target_modules": tuple(lora["target_modules"])}) if lora is not None else None
    return SavedModel(**{**entry, "lora": shape, "head": Head(entry["head"])})
