"""What the server must remember of each run over a restart: its fences, and how often each model was made."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from drpo_server.durable_files import write_file

LEDGER = ".drpo-runs.json"
"""File under the checkpoint root. Its name starts with '.', so no checkpoint can have it."""


class _RunEntry(TypedDict):
    fence: int
    acquired: dict[str, int]  # request_id of AcquireRun -> the fence that it got
    generations: dict[str, int]  # model -> times that it was created or restored


class Ledger:
    """A small JSON file under the checkpoint root; every change is on disk before it is answered.

    Raises ValueError, naming the file, if what is there cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._runs: dict[str, _RunEntry] = {}
        if path.exists():
            try:
                self._runs = json.loads(path.read_bytes())["runs"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{path} is damaged ({error}): restore it from a backup, or delete it if no run is going on"
                ) from error

    def acquire(self, run_id: str, request_id: str) -> tuple[int, bool]:
        """The fence for this attempt, and whether it is new (false: a repeat of an earlier one)."""
        with self._lock:
            entry = self._entry(run_id)
            if request_id in entry["acquired"]:
                return entry["acquired"][request_id], False
            fence = entry["fence"] + 1
            acquired = {**entry["acquired"], request_id: fence}
            self._save(run_id, {**entry, "fence": fence, "acquired": acquired})
            return fence, True

    def fence(self, run_id: str) -> int:
        """The fence of the run's holder; 0 if nobody ever acquired it."""
        with self._lock:
            return self._entry(run_id)["fence"]

    def next_generations(self, run_id: str, models: list[str]) -> Mapping[str, int]:
        """Opens a generation of each of these models."""
        with self._lock:
            entry = self._entry(run_id)
            opened = {model: entry["generations"].get(model, 0) + 1 for model in models}
            self._save(run_id, {**entry, "generations": {**entry["generations"], **opened}})
            return opened

    def _entry(self, run_id: str) -> _RunEntry:
        return self._runs.get(run_id, {"fence": 0, "acquired": {}, "generations": {}})

    def _save(self, run_id: str, entry: _RunEntry) -> None:
        runs = {**self._runs, run_id: entry}
        write_file(self._path, json.dumps({"runs": runs}, indent=1).encode())
        self._runs = runs
