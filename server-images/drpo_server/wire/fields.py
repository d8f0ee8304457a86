"""Single fields: names, numbers, arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, TypeVar

import numpy as np
import torch
from google.protobuf.message import Message
from torch import Tensor

from drpo_server.errors import InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_MAX_ID_CHARACTERS = 512

E = TypeVar("E", bound=Enum)


def decode_id(value: str, where: str, advice: str) -> str:
    """A string that the client chose, such as a request_id."""
    if not value:
        raise InvalidArgument(f"{where} is missing: {advice}")
    if len(value) > _MAX_ID_CHARACTERS:
        raise InvalidArgument(f"{where} has {len(value)} characters: use at most {_MAX_ID_CHARACTERS}")
    return value


def decode_name(value: str, where: str) -> str:
    """A model's name; it becomes part of a file name."""
    if not _NAME.fullmatch(value):
        raise InvalidArgument(
            f"{where} is {value!r}: use 1 to 128 letters, digits, '.', '_' and '-', not starting with '.'"
        )
    return value


def decode_uri(value: str, where: str) -> str:
    """ "checkpoints/NAME" or "stages/NAME"."""
    root, *parts = value.split("/")
    if root not in ("checkpoints", "stages") or not parts or not all(_NAME.fullmatch(part) for part in parts):
        raise InvalidArgument(
            f"{where} is {value!r}: use checkpoints/NAME or stages/NAME, where NAME is letters, digits, '.', '_', '-' "
            "and '/', "
            "and no part of it starts with '.'"
        )
    return value


def decode_enum(value: int, known: dict[int, E], where: str) -> E:
    """An enum value that was set and is known."""
    if value not in known:
        problem = "is missing" if value == 0 else f"is {value}, which this server does not know"
        raise InvalidArgument(f"{where} {problem}: use one of {', '.join(item.name for item in known.values())}")
    return known[value]


def require(message: Message, field: str, where: str) -> None:
    """Raises InvalidArgument unless a message field is set."""
    if not message.HasField(field):
        raise InvalidArgument(f"{where}.{field} is missing: set it")


def which(message: Message, oneof: str, where: str) -> str:
    """The member of a oneof that is set."""
    member = message.WhichOneof(oneof)
    if member is None:
        members = ", ".join(field.name for field in message.DESCRIPTOR.oneofs_by_name[oneof].fields)
        raise InvalidArgument(f"{where}.{oneof} is missing: set one of {members}")
    return str(member)


def finite(
    value: float,
    where: str,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> float:
    """A finite number within bounds."""
    if not math.isfinite(value):
        raise InvalidArgument(f"{where} is {value}: send a finite number")
    bounds = (
        (value > above, f"above {above:g}"),
        (value >= at_least, f"at least {at_least:g}"),
        (value <= at_most, f"at most {at_most:g}"),
        (value < below, f"below {below:g}"),
    )
    for holds, bound in bounds:
        if not holds:
            raise InvalidArgument(f"{where} is {value:g}: it must be {bound}")
    return value


def positive(value: int, where: str) -> int:
    """An integer of at least 1."""
    if value < 1:
        raise InvalidArgument(f"{where} is {value}: it must be at least 1")
    return value


def integers(values: Sequence[int]) -> Tensor:
    """int64 on the CPU."""
    return torch.from_numpy(np.array(values, dtype=np.int64))


def floats(values: Sequence[float], where: str, length: int | None = None, layout: str = "") -> Tensor:
    """Finite float32 on the CPU. length: entries expected, by the layout named."""
    if length is not None:
        check_length(len(values), length, where, layout)
    tensor = torch.from_numpy(np.array(values, dtype=np.float32))
    refuse_first(~torch.isfinite(tensor), tensor, where, "send finite numbers")
    return tensor


def check_length(length: int, expected: int, where: str, layout: str) -> None:
    """Raises InvalidArgument unless an array has as many entries as its layout says."""
    if length != expected:
        raise InvalidArgument(f"{where} has {length} entries, not {expected}: send one for each {layout}")


def refuse_first(bad: Tensor, values: Tensor, where: str, advice: str) -> None:
    """Raises InvalidArgument naming the first entry of `values` for which `bad` holds."""
    if bad.any():
        index = int(bad.nonzero()[0])
        raise InvalidArgument(f"{where}[{index}] is {values[index].item()}: {advice}")


def refuse_duplicates(values: Iterable[Any], where: str) -> None:
    """Raises InvalidArgument naming the first value that comes twice."""
    seen = set()
    for index, value in enumerate(values):
        if value in seen:
            raise InvalidArgument(f"{where}[{index}] is {value!r}, for the second time: name each once")
        seen.add(value)
