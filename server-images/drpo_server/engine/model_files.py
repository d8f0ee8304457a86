"""Single files of a model's folder: what is wrong with one that was not fetched whole, and byte-order marks.

Everything that is wrong with other people's files is a ValueError that names the file and says what to do.
"""

from __future__ import annotations

import codecs
import json
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drpo_server.out_of_memory import is_out_of_memory

_STAND_INS = (b"version https://git-lfs.github.com/spec/", b"# xet version")


def read_json_object(file: Path) -> dict[str, Any]:
    """A JSON file with an object, with or without a byte-order mark. Raises FileNotFoundError, ValueError."""
    content = file.read_bytes()
    refuse_stand_in(file)
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error}), so it may be cut off: fetch it again") from error
    if not isinstance(value, dict):
        raise ValueError(f"{file} is not a JSON object: fetch it again")
    return value


def refuse_stand_in(file: Path) -> None:
    """Refuses an empty file, and a pointer that stands for the file itself."""
    with file.open("rb") as stream:
        start = stream.read(64)
    if not start:
        raise ValueError(f"{file} is empty: fetch it again")
    if start.startswith(_STAND_INS):
        raise ValueError(
            f"{file} is a Git LFS pointer, not the file itself: run `git lfs pull` in its clone, or fetch it with "
            "`hf download`"
        )


def refuse_cut_safetensors(file: Path) -> None:
    """Refuses a file that is no safetensors file, or whose data is not all there. Reads its header alone."""
    refuse_stand_in(file)
    size = file.stat().st_size
    with file.open("rb") as stream:
        try:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > size - 8:
                raise ValueError("its header is longer than the file")
            header = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (struct.error, ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{file} is no safetensors file, or is cut off ({error}): fetch it again") from error
    promised, there = max(ends, default=0), size - 8 - length
    if promised != there:
        raise ValueError(
            f"{file} is cut off or damaged: {there} bytes of weights are there, and its header says {promised}: "
            "fetch it again"
        )


def refuse_not_finite(where: Path, weights: Mapping[str, Tensor]) -> None:
    """Refuses weights with a NaN or an infinity, by their name."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.detach().sum(dtype=torch.float64)):
            raise ValueError(
                f"{where}: the weights {name} are not finite (NaN or infinity) in "
                f"{str(tensor.dtype).removeprefix('torch.')}: fetch them again, or take an earlier checkpoint of theirs"
            )


@contextmanager
def blaming_files(where: Path | str) -> Iterator[None]:
    """Libraries raise anything over other people's files: it becomes a ValueError that names where they are."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        if is_out_of_memory(error):
            raise
        kind = type(error).__name__
        raise ValueError(f"{where} cannot be loaded ({kind}: {error}): check its files, or fetch it again") from error


@contextmanager
def without_byte_order_marks(folder: Path) -> Iterator[Path]:
    """The folder itself, or, where JSON files begin with a byte-order mark, which transformers does not read, a
    temporary one of links to its files, in which they do not."""
    marked = [file for file in folder.glob("*.json") if _is_marked(file)]
    if not marked:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="drpo-base-") as name:
        clean = Path(name)
        for file in folder.iterdir():
            if file in marked:
                (clean / file.name).write_bytes(file.read_bytes().removeprefix(codecs.BOM_UTF8))
            else:
                (clean / file.name).symlink_to(file.resolve())
        yield clean


def _is_marked(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
