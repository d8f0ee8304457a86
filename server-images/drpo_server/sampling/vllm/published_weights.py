"""Where a sampler finds what the trainer published."""

from __future__ import annotations

from pathlib import Path

from drpo_server.checkpoints import Checkpoint, open_checkpoint
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen.common_pb2 import CheckpointRef
from drpo_server.wire.fields import decode_uri


class PublishedWeights:
    """The trainer's checkpoint root, on a disk that both see."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, ref: CheckpointRef, where: str) -> Checkpoint:
        """A checkpoint whose manifest is the expected one. Raises NotFound, DataLoss or InvalidArgument."""
        uri = decode_uri(ref.uri, f"{where}.uri")
        root, _, name = uri.partition("/")
        if root != "checkpoints":
            raise InvalidArgument(f"{where}.uri is {uri!r}: weights are published under checkpoints/")
        return open_checkpoint(self._root / name, uri, ref.manifest_hash)
