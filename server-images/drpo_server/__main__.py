"""python -m drpo_server: starts the model server. See --help."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drpo_server.parent import exit_with_parent
from drpo_server.settings import Settings, SettingsError, read_settings
from drpo_server.torchrun import cannot_start, read_place

if TYPE_CHECKING:
    import grpc

EXIT_BAD_ARGUMENTS = 2
EXIT_ENVIRONMENT = 3
_STOP_GRACE_SECONDS = 5.0
"""A stop waits so long for calls under way."""


class _Bound(Protocol):
    """A server of either engine."""

    @property
    def server(self) -> grpc.Server: ...
    @property
    def port(self) -> int: ...
    @property
    def instance_id(self) -> str: ...
    def close(self) -> int: ...


def main() -> int:
    try:
        settings = read_settings(None)
    except SettingsError as error:
        print(cannot_start(error, EXIT_BAD_ARGUMENTS, read_place(os.environ)), file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    if settings.exit_with_parent:
        exit_with_parent()
    serving_line = _reserve_standard_output()
    rank = settings.place.rank
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.ERROR if rank > 0 else logging.INFO,  # why a call is refused, process 0 says
        format=f"%(asctime)s %(levelname)s {f'process {rank}: ' if rank > 0 else ''}%(name)s: %(message)s",
    )
    # No network, ever; set before the libraries are imported, which read it then.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Without it cuBLAS may sum in another order from one call to the next.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Threads that wait for each other sleep: beside another busy process, spinning made sampling twenty times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return _serve(settings, serving_line)


def _serve(settings: Settings, serving_line: int) -> int:
    # First of all: as process 1 of a container, a process without a handler never hears a signal. But while it waits
    # for the others of torchrun, it would hear none with a handler.
    stop = threading.Event()
    waits_for_others = settings.place.size > 1 and settings.place.rank == 0
    if not waits_for_others:
        _catch_signals(stop)
    # Imported here, as they take seconds: --help and bad arguments are answered at once.
    from drpo_server.errors import RequestError
    from drpo_server.listening import CannotListen
    from drpo_server.proto_gen.schema_hash import SCHEMA_HASH

    log = logging.getLogger("drpo_server")
    if settings.place.rank > 0:
        from drpo_server.follower import run_follower

        return run_follower(settings, stop)
    try:
        bound = _bind(settings, stop)
    except RequestError as error:
        print(cannot_start(error, EXIT_BAD_ARGUMENTS, settings.place), file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    except (CannotListen, ValueError, RuntimeError, OSError) as error:
        print(cannot_start(error, EXIT_ENVIRONMENT, settings.place), file=sys.stderr)
        return EXIT_ENVIRONMENT
    _catch_signals(stop)
    bound.server.start()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    event = {
        "event": "serving",
        "address": f"{host}:{bound.port}",
        "instance_id": bound.instance_id,
        "schema_hash": SCHEMA_HASH,
    }
    os.write(serving_line, (json.dumps(event) + "\n").encode())
    log.info("serving on %s", event["address"])
    stop.wait()
    log.info("stopping: calls under way have %g s", _STOP_GRACE_SECONDS)
    bound.server.stop(_STOP_GRACE_SECONDS).wait()
    return bound.close()


def _catch_signals(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def _bind(settings: Settings, stop: threading.Event) -> _Bound:
    """A server with its port and its engine, not started. An engine imports only what it needs itself."""
    if settings.engine == "vllm":
        from drpo_server.sampling.vllm.engine_options import prepare_environment

        prepare_environment(settings)
        try:
            from drpo_server.sampling.vllm.server import bind_vllm_server
        except ModuleNotFoundError as error:
            # Where the package came with its scripts: neither an image nor a bare wheel has them.
            script = Path(__file__).resolve().parents[2] / "scripts" / "setup-vllm"
            advice = f"run {script}, which makes one that has" if script.is_file() else "use one that has"
            raise RuntimeError(f"{sys.executable} cannot import {error.name}: {advice} vLLM") from error
        return bind_vllm_server(settings)
    from drpo_server.server import bind_server

    bound = bind_server(settings)
    for base in settings.preload:
        if not stop.is_set():
            bound.services.bases.load(base, "--preload")
    return bound


def _reserve_standard_output() -> int:
    """Keeps standard output for the serving line: what libraries print there goes to standard error."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    return own


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Not sys.exit, which waits for threads: a pass that is under way may take minutes.
    os._exit(code)
