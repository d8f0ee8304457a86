"""Where the repository's files are, and its scripts and tools run to their end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(sys.executable).parent
"""Where pip put the command lines of development packages."""
HANGS_SECONDS = 120.0


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program, to its end, in the repository's root."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=False,
    )


def output_of(*command: str | Path, **environment: str) -> str:
    """What a program that must succeed wrote to standard output."""
    done = run(*command, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
