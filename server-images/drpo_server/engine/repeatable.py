"""The same call gives the same bits on a GPU too, where some sums are otherwise taken in an order of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_DETERMINISTIC: Any = torch.utils.deterministic


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Until the block ends, gradients on this device are summed in a fixed order; the CPU's always are.

    Without it, index_add_ (a state from which several tokens were drawn), large embedding look-ups (rows that share a
    prefix) and attention over long rows give gradients whose last bits differ from call to call. Sampling needs none of
    it, and its cache would be slower. cuBLAS wants CUBLAS_WORKSPACE_CONFIG in the environment from the start.
    """
    if device.type == "cpu":
        yield
        return
    before, filled = torch.are_deterministic_algorithms_enabled(), _DETERMINISTIC.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    _DETERMINISTIC.fill_uninitialized_memory = False  # it helps to find faults, and costs a pass over memory
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        _DETERMINISTIC.fill_uninitialized_memory = filled
