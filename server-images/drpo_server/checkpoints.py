"""Checkpoints on disk: one safetensors file for each model's weights, one for each optimiser's moments, and a manifest
with the hash of every file."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from drpo_server.durable_files import hash_file, new_folder
from drpo_server.engine.types import Head, LoraShape, OnProgress
from drpo_server.errors import DataLoss, InvalidArgument, NotFound
from drpo_server.storage import MANIFEST, RequestIdentity, folder_bytes, read_manifest, write_manifest

if TYPE_CHECKING:
    from drpo_server.engine.model import Model

FORMAT = "drpo-checkpoint/1"


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


@dataclass(frozen=True)
class Written:
    manifest_hash: str
    bytes: int


def write_checkpoint(
    folder: Path,
    models: Sequence[Model],
    *,
    with_optimizer_state: bool,
    request: RequestIdentity,
    on_progress: OnProgress,
) -> Written:
    """Writes models; a checkpoint that is there already is replaced, whole.

    on_progress gets (bytes written, bytes in all).
    """
    files = {f"{model.name}.safetensors": model.state for model in models}
    if with_optimizer_state:
        files |= {f"{model.name}.optimizer.safetensors": model.optimizer_state for model in models if model.trainable}
    # An estimate until the last file is written: moments are as many as weights, twice.
    total = sum(
        4 * model.trainable_weights * (3 if with_optimizer_state and model.trainable else 1) for model in models
    )
    saved_files: dict[str, SavedFile] = {}
    written = 0

    def advance(size: int) -> None:
        nonlocal written
        written += size
        on_progress(written, max(total, written))

    with new_folder(folder) as partial:
        for name, state in files.items():
            save_file(state(), partial / name)
            saved_files[name] = SavedFile(hash_file(partial / name, advance), (partial / name).stat().st_size)
        manifest_hash = write_manifest(
            partial,
            {
                "format": FORMAT,
                "request": request.as_json(),
                "models": [_describe(model, files) for model in models],
                "files": {name: asdict(file) for name, file in saved_files.items()},
            },
        )
        size = folder_bytes(partial)
    return Written(manifest_hash, size)


def find_written(folder: Path, uri: str, request: RequestIdentity) -> Written | None:
    """The checkpoint that the same request wrote before. Raises InvalidArgument if it had another payload."""
    try:
        manifest, manifest_hash = read_manifest(folder, uri)
    except (FileNotFoundError, NotADirectoryError, DataLoss):
        return None
    written_by = manifest.get("request")
    if manifest.get("format") != FORMAT or not isinstance(written_by, dict):
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
    if manifest.get("format") != FORMAT:
        raise InvalidArgument(f"{uri} is {manifest.get('format')!r}, not {FORMAT!r}: name a checkpoint")
    files = {name: SavedFile(**file) for name, file in manifest["files"].items()}
    return Checkpoint(uri, folder, [_parse(entry) for entry in manifest["models"]], files)


def load_tensors(checkpoint: Checkpoint, name: str, advance: Callable[[int], None]) -> dict[str, Tensor]:
    """The tensors of one file. Raises DataLoss, naming the file, if it is not there or differs from its hash."""
    path, where = checkpoint.folder / name, f"{checkpoint.uri}/{name}"
    try:
        actual = hash_file(path, advance)
        expected = checkpoint.files[name].sha256
        if actual != expected:
            raise DataLoss(f"{where} has hash {actual}, not {expected}: it is damaged, so take another checkpoint")
        return load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise DataLoss(f"{where} cannot be read ({error}): take another checkpoint") from error


def _describe(model: Model, files: Container[str]) -> dict[str, Any]:
    optimizer_file = f"{model.name}.optimizer.safetensors"
    saved = SavedModel(
        name=model.name,
        base=str(model.base.path),
        base_hash=model.base.base_hash,
        lora=model.lora,
        head=model.head,
        trainable=model.trainable,
        optimizer_step=model.optimizer_step,
        weights_hash=model.weights_hash(),
        weights_file=f"{model.name}.safetensors",
        optimizer_file=optimizer_file if optimizer_file in files else None,
    )
    return {**asdict(saved), "head": saved.head.value}


def _parse(entry: dict[str, Any]) -> SavedModel:
    lora = entry["lora"]
    shape = LoraShape(**{**lora, "target_modules": tuple(lora["target_modules"])}) if lora is not None else None
    return SavedModel(**{**entry, "lora": shape, "head": Head(entry["head"])})
