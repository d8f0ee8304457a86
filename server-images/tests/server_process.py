"""The server as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HANGS_SECONDS = 120.0
COMMAND = [sys.executable, "-m", "drpo_server"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def run_to_end(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=False,
    )


def read_serving_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Waits until the server serves."""
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(process.stdout.readline())
    return event


@contextmanager
def started(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server process, and what it said when it served."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, read_serving_line(process)
    finally:
        process.kill()
        process.communicate(timeout=HANGS_SECONDS)
