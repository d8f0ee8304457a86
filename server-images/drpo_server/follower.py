"""A process that follows process 0, from its start to its end."""

from __future__ import annotations

import sys
import threading

from drpo_server.errors import RequestError
from drpo_server.following import follow
from drpo_server.server import build_services, make_servicers
from drpo_server.settings import Settings
from drpo_server.torchrun import cannot_start

EXIT_ENVIRONMENT = 3
_LEADER_GONE = 1
_STOP_GRACE_SECONDS = 10.0
"""Process 0 has calls to end when all are told to stop."""


def run_follower(settings: Settings, stop: threading.Event) -> int:
    """Follows until process 0 says farewell, or until it is gone. stop: set when this process is told to end, too.

    Returns the exit code of the process.
    """
    following, ended = threading.Event(), threading.Event()
    codes: list[int] = []

    def run() -> None:
        try:
            codes.append(_follow(settings, following, stop))
        finally:
            ended.set()
            stop.set()

    # Not the main thread: a process that waits for a message does not hear signals.
    threading.Thread(target=run, name="follower", daemon=True).start()
    stop.wait()
    if following.is_set():
        ended.wait(_STOP_GRACE_SECONDS)
    return codes[0] if codes else 0


def _follow(settings: Settings, following: threading.Event, stop: threading.Event) -> int:
    rank = settings.place.rank
    try:
        services = build_services(settings)
        for base in settings.preload:
            services.bases.load(base, "--preload")
    except (RequestError, ValueError, RuntimeError, OSError) as error:
        print(cannot_start(error, EXIT_ENVIRONMENT, settings.place), file=sys.stderr, flush=True)
        return EXIT_ENVIRONMENT
    following.set()
    try:
        follow(services.engine.group, make_servicers(services))
    except RuntimeError as error:
        if stop.is_set():
            return 0
        print(f"process {rank} ends, as process 0 is gone ({error})", file=sys.stderr, flush=True)
        return _LEADER_GONE
    return 0
