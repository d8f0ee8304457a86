"""Files and folders that are complete or not there, also after a crash: temporary name, fsync, rename."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK_BYTES = 1 << 22

_replacing = threading.Lock()
"""Held between the two renames of a replacement, so that a reader in another thread does not take it for a crash."""


def write_file(path: Path, content: bytes) -> None:
    """Replaces a file atomically."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    sync(path.parent)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill; at the end of the block it takes the place of `target`, whole. On an error nothing changes."""
    recover_folder(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    try:
        yield partial
        _make_durable(partial)
        # Two renames and not one: no portable call exchanges folders. recover_folder mends a crash between them.
        replaced = _replaced(target)
        shutil.rmtree(replaced, ignore_errors=True)
        with _replacing:
            if target.exists():
                target.rename(replaced)
            partial.rename(target)
        sync(target.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Undoes half a replacement: call before looking for `target`."""
    replaced = _replaced(target)
    with _replacing:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
            sync(target.parent)


def remove_folder(target: Path) -> None:
    """Removes a folder so that no half of it is ever seen. One that is not there is not an error."""
    recover_folder(target)
    if target.exists():
        doomed = target.with_name(f".{target.name}.partial-deleted")
        shutil.rmtree(doomed, ignore_errors=True)
        target.rename(doomed)
        sync(target.parent)
        shutil.rmtree(doomed)


def hash_file(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 (hexadecimal) of a file. on_bytes: called with the size of every chunk read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def sync(path: Path) -> None:
    """fsync of a file or of a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_durable(folder: Path) -> None:
    """Syncs every file, and gives back the permissions that a temporary folder takes away."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        sync(path)
    folder.chmod(0o755)
    sync(folder)


def _replaced(target: Path) -> Path:
    return target.with_name(f".{target.name}.replaced")
