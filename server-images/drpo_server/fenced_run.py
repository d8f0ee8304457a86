"""What every kind of server keeps of a run: who holds it, and the answers of its mutating calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from drpo_server.compute import Call
from drpo_server.errors import FailedPrecondition
from drpo_server.ledger import Ledger
from drpo_server.proto_gen.common_pb2 import ModelVersion


@dataclass(frozen=True)
class StoredCall:
    """A mutating call, under way or answered, and the hash of its payload."""

    payload_hash: str
    call: Call


class FencedRun:
    """One run; everything here is guarded by `lock`."""

    def __init__(self, run_id: str, ledger: Ledger) -> None:
        self.run_id = run_id
        self.lock = threading.RLock()
        self.calls: dict[str, StoredCall] = {}
        self._ledger = ledger

    def take(self, request_id: str, free: Callable[[], None]) -> int:
        """A new fence; the same for a repeated request.

        A new one drops the answers of earlier holders, and calls `free` for what else they left.
        """
        with self.lock:
            fence, is_new = self._ledger.acquire(self.run_id, request_id)
            if is_new:
                self.calls.clear()
                free()
            return fence

    def check_fence(self, fence: int) -> None:
        """Raises FailedPrecondition unless `fence` is that of the run's holder."""
        current = self._ledger.fence(self.run_id)
        if current == 0:
            raise FailedPrecondition(
                f"run {self.run_id!r} was never acquired on this server: call AcquireRun, and send the fence that it "
                "answers"
            )
        if fence != current:
            raise FailedPrecondition(
                f"fence {fence} of run {self.run_id!r} is stale: another orchestrator took the run over (fence "
                f"{current}). "
                "Stop this one, or acquire the run again"
            )

    def release_answers(self, request_ids: Iterable[str]) -> int:
        """Drops stored answers, if they are there. Returns how many are left."""
        with self.lock:
            for request_id in request_ids:
                self.calls.pop(request_id, None)
            return len(self.calls)

    def forget(self, request_id: str, call: Call) -> None:
        """Drops a call that failed, so that a retry runs again."""
        with self.lock:
            stored = self.calls.get(request_id)
            if stored is not None and stored.call is call:
                del self.calls[request_id]


R = TypeVar("R", bound=FencedRun)


class FencedRuns(Generic[R]):
    """All runs, by id."""

    def __init__(self, ledger: Ledger, make: Callable[[str, Ledger], R]) -> None:
        self._ledger = ledger
        self._make = make
        self._lock = threading.Lock()
        self._runs: dict[str, R] = {}

    def get(self, run_id: str) -> R:
        """The run of this id; one that nobody acquired has neither models nor a valid fence."""
        with self._lock:
            if run_id not in self._runs:
                self._runs[run_id] = self._make(run_id, self._ledger)
            return self._runs[run_id]


def describe_version(version: ModelVersion) -> str:
    """A version for people."""
    weights = version.weights_hash[:12] or "unnamed"
    return f"(generation {version.generation}, optimiser step {version.optimizer_step}, weights {weights})"
