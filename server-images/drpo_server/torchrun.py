"""What torchrun tells the processes that it starts, by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A process's place among those that compute together."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Among those on its machine."""
    local_size: int = 1


def read_place(environment: Mapping[str, str]) -> Place:
    """The only process, if torchrun did not start it."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(environment.get(name, "").isdigit() for name in names):
        return Place()
    return Place(*(int(environment[name]) for name in names))
