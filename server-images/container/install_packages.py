"""Installs the server's packages into the interpreter that runs this, while an image is built.

    python3 install_packages.py --torch-index URL
    python3 install_packages.py --keep torch transformers

The direct ones are those of pyproject.toml; all are held to requirements.lock, but those of --keep: they are there
already, in the version that the image's engine was built for, and stay in it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

SERVER_IMAGES = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-cache-dir", "--quiet"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--torch-index", default="", help="package index to take torch from (default: pip's)")
    parser.add_argument("--keep", nargs="*", default=[], metavar="PACKAGE", help="packages that stay as they are")
    options = parser.parse_args()
    wanted = [line for line in _direct_dependencies() if name_of(line) not in options.keep]
    if options.torch_index:
        # Nothing else comes from there: a second index for everything would let it shadow any package.
        torch = next(line for line in wanted if name_of(line) == "torch")
        subprocess.run([*PIP, "--no-deps", "--index-url", options.torch_index, torch], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(_constraints(options.keep)) + "\n")
        constraints.flush()
        subprocess.run([*PIP, "--constraint", constraints.name, *wanted], check=True)
    return 0


def name_of(requirement: str) -> str:
    """A requirement's package: "grpcio==1.85.1" -> "grpcio"."""
    return re.split(r"[=<>!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _direct_dependencies() -> list[str]:
    return list(tomllib.loads((SERVER_IMAGES / "pyproject.toml").read_text())["project"]["dependencies"])


def _constraints(keep: list[str]) -> list[str]:
    """What the lock says; where packages are kept, those that are there come first, and it fills in the direct ones."""
    locked = (SERVER_IMAGES / "requirements.lock").read_text().splitlines()
    pins = [line for line in locked if line and not line.startswith("#")]
    if not keep:
        return pins
    direct = {name_of(line) for line in _direct_dependencies()} - set(keep)
    there = {found.metadata["Name"].lower().replace("_", "-"): found.version for found in distributions()}
    if missing := set(keep) - there.keys():
        raise SystemExit(f"install_packages: --keep {' '.join(sorted(missing))}: not installed in this image")
    kept = [f"{name}=={version}" for name, version in sorted(there.items()) if name not in direct]
    return kept + [line for line in pins if name_of(line) in direct]


if __name__ == "__main__":
    sys.exit(main())
