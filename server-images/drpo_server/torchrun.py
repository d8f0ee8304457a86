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


def cannot_start(reason: object, exit_code: int, place: Place) -> str:
    """The line of a process that ends before it serves. torchrun says much more after it, so that of several processes
    it must be found again: src/server/early-exit.ts does."""
    line = str(reason).partition("\n")[0]
    return line if place.size == 1 else f"process {place.rank} cannot start: {line} (exit code {exit_code})"


def read_place(environment: Mapping[str, str]) -> Place:
    """The only process, if torchrun did not start it."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(environment.get(name, "").isdigit() for name in names):
        return Place()
    return Place(*(int(environment[name]) for name in names))
