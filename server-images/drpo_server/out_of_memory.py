"""Running out of memory: what it looks like, and how to get back what a failed attempt held."""

from __future__ import annotations

import gc
import re

import torch

_REASONS = (
    re.compile("can't allocate memory"),  # PyTorch's CPU allocator
    re.compile(r"could not create a (memory|primitive(?! descriptor))"),  # oneDNN, also for the code that it compiles
)
"""Of bare RuntimeErrors."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the device, or the machine, has no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(reason.search(str(error)) for reason in _REASONS)


def free_what_failed() -> None:
    """Gives back what nobody refers to any more. Call it when the exception, and its frames, are gone."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
