"""vLLM's processes end with the server, however that ended: an orphan would keep the device's memory.

Linux kills a process when its parent ends, if the process has asked for that. So code of ours has to run in each: in
those that vLLM forks by a hook of Python's, in those that it spawns when they read their configuration.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_forking: list[int] = []
"""The process that forks, as its child sees it."""


class DieWithParent:
    """Part of vLLM's configuration (additional_config): a process that unpickles it is killed when its parent ends."""

    def __init__(self, server: int) -> None:
        self._server = server
        _die_with_parent(server)

    def __reduce__(self) -> tuple[Any, ...]:
        return (DieWithParent, (self._server,))

    def compute_hash(self) -> str:
        """vLLM tells compiled models apart by it."""
        return ""


def children_die_with_parent() -> None:
    """From now on, processes that this one forks are killed when it ends, and theirs with them."""
    os.register_at_fork(before=lambda: _forking.append(os.getpid()), after_in_child=_after_fork)


def _after_fork() -> None:
    _die_with_parent(_forking[-1])
    if os.getppid() != _forking[-1]:  # it ended before this line
        os._exit(1)


def _die_with_parent(server: int) -> None:
    if sys.platform == "linux" and os.getpid() != server:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
