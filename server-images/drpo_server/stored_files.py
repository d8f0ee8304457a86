"""Files of checkpoints and exports, for clients that share no disk with the server: what a manifest names, no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from drpo_server.errors import DataLoss, FailedPrecondition, InvalidArgument, NotFound
from drpo_server.storage import MANIFEST, read_manifest

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    path: str
    """Below the folder, with '/'."""
    bytes: int
    sha256: str


@dataclass(frozen=True)
class StoredFolder:
    """A checkpoint or an export, as its manifest describes it."""

    uri: str
    folder: Path
    manifest_hash: str
    files: dict[str, StoredFile]
    """By path; the manifest itself is one of them."""


def open_stored_folder(folder: Path, uri: str) -> StoredFolder:
    """Raises NotFound if there is neither checkpoint nor export, DataLoss if its manifest is damaged."""
    try:
        manifest, manifest_hash = read_manifest(folder, uri)
        manifest_bytes = (folder / MANIFEST).stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"there is no checkpoint or export {uri} in {folder}: check the name and the server's roots"
        ) from error
    files = _named_files(manifest, uri)
    files[MANIFEST] = StoredFile(MANIFEST, manifest_bytes, manifest_hash)
    return StoredFolder(uri, folder, manifest_hash, files)


def _named_files(manifest: dict[str, Any], uri: str) -> dict[str, StoredFile]:
    if "files" not in manifest:
        raise FailedPrecondition(
            f"{uri}/{MANIFEST} names no files ({manifest.get('format')!r} of an older server): write it anew, or copy "
            "the folder by other means"
        )
    try:
        return {
            path: StoredFile(path, int(file["bytes"]), str(file["sha256"])) for path, file in manifest["files"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataLoss(f"{uri}/{MANIFEST} is damaged (files): take another checkpoint") from error


def check_path(path: str, where: str) -> str:
    """A file's path as a client may send it. Raises InvalidArgument for one that could lead out of the folder."""
    parts = path.split("/")
    if not all(parts) or any(part in (".", "..") for part in parts) or "\0" in path or "\\" in path:
        raise InvalidArgument(f"{where} is {path!r}: send a path as ListFiles answered it")
    return path


def read_stored_file(
    stored: StoredFolder, path: str, *, manifest_hash: str, offset: int
) -> tuple[int, Iterator[bytes]]:
    """Bytes of the file in all, and its content from an offset on, at most CHUNK_BYTES at once.

    Raises FailedPrecondition if the folder is another than the client listed, NotFound for a file that its manifest
    does not name, InvalidArgument for an offset behind the end, DataLoss if the file is not as the manifest says. The
    content is not hashed again here: the client does that with what it received.
    """
    if stored.manifest_hash != manifest_hash:
        raise FailedPrecondition(
            f"{stored.uri}/{MANIFEST} has hash {stored.manifest_hash}, not {manifest_hash}: it was written anew since "
            "it was listed. List its files again"
        )
    file = stored.files.get(path)
    if file is None:
        raise NotFound(f"{stored.uri} has no file {path!r}: ask ListFiles for those that it has")
    if offset > file.bytes:
        raise InvalidArgument(
            f"ReadFileRequest.offset is {offset}, but {stored.uri}/{path} has {file.bytes} bytes: drop what you have "
            "of it and begin with 0"
        )
    stream = _open(stored, file)
    stream.seek(offset)
    return file.bytes, _chunks(stream, file.bytes - offset, f"{stored.uri}/{path}")


def _open(stored: StoredFolder, file: StoredFile) -> BinaryIO:
    """The file, open: what replaces or removes the folder from now on does not disturb the reader."""
    where, path = f"{stored.uri}/{file.path}", stored.folder / file.path
    with suppress(FileNotFoundError, NotADirectoryError):
        if path.resolve(strict=True).is_relative_to(stored.folder.resolve()):
            stream = path.open("rb")
            size = os.fstat(stream.fileno()).st_size
            if size == file.bytes:
                return stream
            stream.close()
            raise DataLoss(f"{where} has {size} bytes, not {file.bytes}: it is damaged, so take another checkpoint")
        raise DataLoss(f"{where} leads out of its folder: it is not read. Take another checkpoint")
    raise DataLoss(f"{where} is not there, though the manifest names it: take another checkpoint")


def _chunks(stream: BinaryIO, left: int, where: str) -> Iterator[bytes]:
    with stream:
        while left > 0:
            chunk = stream.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise DataLoss(f"{where} became shorter while it was read: take another checkpoint")
            left -= len(chunk)
            yield chunk
