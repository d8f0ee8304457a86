"""Makes glibc reuse memory.

By default it returns every large tensor to the kernel, which zeroes the pages again at the next operation: on a CPU
that costs several times the operation itself for element-wise ones.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_LARGEST = (1 << 31) - 1


def keep_freed_memory() -> None:
    """From now on freed tensors stay with the process, for the next ones; the process stays at its peak size.

    Does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, _LARGEST)
    mallopt(_M_TOP_PAD, 64 << 20)
    # One arena: only the main one grows past 64 MB, and calls are computed on threads of their own.
    mallopt(_M_ARENA_MAX, 1)


def freed_bytes() -> int:
    """Bytes that were freed and stay with the process; 0 where the C library does not say."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform.startswith("linux") else None
    if mallinfo is None:
        return 0
    mallinfo.restype = _MallInfo2
    return int(mallinfo().fordblks)


class _MallInfo2(ctypes.Structure):
    """struct mallinfo2 of malloc.h."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks"),
            "keepcost",
        )
    ]
