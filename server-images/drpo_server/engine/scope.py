"""Work that runs as a module's forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

T = TypeVar("T")


class Scope(nn.Module):
    """A module whose forward is the work that it is given, so that what is hooked to a forward happens around the work:
    FSDP2 gathers and frees weights there."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, work: Callable[[], T]) -> T:
        """Hooks find the result's tensors in lists, tuples and dicts only."""
        return work()

    def within(self, work: Callable[[], T]) -> T:
        """Does the work inside this module's forward."""
        result: T = self(work)
        return result
