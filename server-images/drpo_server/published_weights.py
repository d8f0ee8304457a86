"""Where a sampler finds what the trainer published: --weights-from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from drpo_server.checkpoints import Checkpoint, open_checkpoint
from drpo_server.engine.types import OnProgress
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen.common_pb2 import CheckpointRef
from drpo_server.settings import Settings
from drpo_server.trainer_files import TrainerFiles
from drpo_server.weight_cache import WeightCache
from drpo_server.wire.fields import decode_id, decode_uri

CACHE = ".weights"
"""Folder under the checkpoint root. Its name starts with '.', so no checkpoint can have it."""


class PublishedWeights(Protocol):
    def open(self, ref: CheckpointRef, where: str, on_progress: OnProgress) -> Checkpoint:
        """A checkpoint whose manifest is the expected one; its files are verified as they are loaded.

        on_progress gets (bytes, bytes in all) of what has to be fetched. Raises NotFound, DataLoss, InvalidArgument,
        and Unavailable if the trainer cannot be reached.
        """
        ...


class SharedFolder:
    """The trainer's checkpoint root, on a disk that both see: "checkpoints/NAME" is ROOT/NAME."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, ref: CheckpointRef, where: str, on_progress: OnProgress) -> Checkpoint:  # noqa: ARG002 - the port's
        uri, name, manifest_hash = decode_published(ref, where)
        return open_checkpoint(self._root / name, uri, manifest_hash)


class DownloadedWeights:
    """What the trainer's API sends, kept on this server's disk until a newer version of the model is fetched."""

    def __init__(self, trainer: TrainerFiles, cache: WeightCache) -> None:
        self._trainer = trainer
        self._cache = cache

    def open(self, ref: CheckpointRef, where: str, on_progress: OnProgress) -> Checkpoint:
        uri, name, manifest_hash = decode_published(ref, where)
        folder = self._cache.fetch(
            name, manifest_hash, lambda path, offset: self._trainer.read(uri, manifest_hash, path, offset), on_progress
        )
        return open_checkpoint(folder, uri, manifest_hash)


def find_published_weights(settings: Settings) -> PublishedWeights | None:
    """None: the server was not told where weights are."""
    if settings.weights_from is None:
        return None
    if settings.weights_address is None:
        return SharedFolder(Path(settings.weights_from).resolve())
    trainer = TrainerFiles(settings.weights_address, token=settings.trainer_token, tls_ca=settings.weights_tls_ca)
    return DownloadedWeights(trainer, WeightCache(settings.checkpoint_root / CACHE))


def decode_published(ref: CheckpointRef, where: str) -> tuple[str, str, str]:
    """Uri, name below the checkpoint root, and hash of the manifest. Raises InvalidArgument."""
    uri = decode_uri(ref.uri, f"{where}.uri")
    manifest_hash = decode_id(ref.manifest_hash, f"{where}.manifest_hash", "send what SaveCheckpoint answered")
    root, _, name = uri.partition("/")
    if root != "checkpoints":
        raise InvalidArgument(f"{where}.uri is {uri!r}: weights are published under checkpoints/")
    return uri, name, manifest_hash
