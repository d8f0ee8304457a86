"""Ends the process when its parent does, however that ended."""

from __future__ import annotations

import os
import sys
import threading

_STDIN = 0


def exit_with_parent() -> None:
    """Watches standard input, a pipe whose other end only the parent holds: its end is the parent's end.

    The process then ends at once, also in the middle of a pass: files are complete or not there, whenever it ends.
    """
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(_STDIN, 4096):
        pass
    try:
        print("standard input was closed: the parent is gone, so the server ends", file=sys.stderr, flush=True)
    finally:
        os._exit(0)  # not sys.exit: the compute thread may be busy for minutes
