"""Where checkpoints and exports are: uris, folders and manifests."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drpo_server.durable_files import recover_folder, remove_folder, sync
from drpo_server.errors import AlreadyExists, DataLoss, InvalidArgument

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class RequestIdentity:
    """The request that wrote a folder, so that its repetition is known again after a restart."""

    run_id: str
    request_id: str
    payload_hash: str

    def as_json(self) -> dict[str, str]:
        return {"run_id": self.run_id, "request_id": self.request_id, "payload_hash": self.payload_hash}


class Storage:
    """Folders by uri; uris are checked by wire.fields.decode_uri before they come here."""

    def __init__(self, checkpoint_root: Path, stage_root: Path) -> None:
        self._roots = {"checkpoints": checkpoint_root, "stages": stage_root}

    def folder(self, uri: str) -> Path:
        """The folder of a uri, mended if a crash cut its replacement in half; it need not be there."""
        root, _, name = uri.partition("/")
        folder = self._roots[root] / name
        recover_folder(folder)
        return folder

    def writable_folder(self, uri: str) -> Path:
        """The folder to write. Raises AlreadyExists if there is something that this server did not write."""
        folder = self.folder(uri)
        if folder.exists() and not (folder / MANIFEST).is_file():
            raise AlreadyExists(f"{uri} is a folder without a {MANIFEST}, so not a checkpoint: choose another uri")
        return folder

    def remove(self, uri: str) -> None:
        """Removes a checkpoint or export, if it is there. Raises InvalidArgument if the folder is neither."""
        folder = self.folder(uri)
        if folder.exists() and not (folder / MANIFEST).is_file():
            raise InvalidArgument(f"{uri} is a folder without a {MANIFEST}, so not a checkpoint: it is not removed")
        remove_folder(folder)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> str:
    """Writes a folder's manifest. Returns its SHA-256 (hexadecimal)."""
    content = json.dumps(manifest, indent=1, sort_keys=True).encode()
    (folder / MANIFEST).write_bytes(content)
    sync(folder / MANIFEST)
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path, uri: str) -> tuple[dict[str, Any], str]:
    """A folder's manifest and its SHA-256. Raises FileNotFoundError without one, DataLoss if it is not JSON."""
    content = (folder / MANIFEST).read_bytes()
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise DataLoss(f"{uri}/{MANIFEST} is damaged ({error}): take another checkpoint") from error
    if not isinstance(manifest, dict):
        raise DataLoss(f"{uri}/{MANIFEST} is damaged (not an object): take another checkpoint")
    return manifest, hashlib.sha256(content).hexdigest()


def folder_bytes(folder: Path) -> int:
    """Bytes of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
