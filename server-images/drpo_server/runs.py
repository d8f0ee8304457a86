"""The runs that this server serves: who holds each, its models and their versions, its kept batches and its answers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drpo_server.compute import Call, Compute
from drpo_server.engine.engine import Engine, KeptBatch
from drpo_server.engine.model import Model
from drpo_server.errors import FailedPrecondition, NotFound
from drpo_server.ledger import Ledger
from drpo_server.proto_gen.common_pb2 import ModelRef, ModelVersion


@dataclass
class RunModel:
    """A model of a run, and what it takes to name its version."""

    model: Model
    generation: int
    gradient_requests: set[str] = field(default_factory=set)
    """ForwardBackward requests whose gradients are accumulated since the last optimiser step."""

    def version(self) -> ModelVersion:
        return ModelVersion(
            generation=self.generation,
            optimizer_step=self.model.optimizer_step,
            weights_hash=self.model.weights_hash(),
        )


@dataclass(frozen=True)
class KeptRows:
    """A batch kept under a name, and the hash of the rows as they were sent."""

    rows_hash: str
    batch: KeptBatch


@dataclass(frozen=True)
class StoredCall:
    """A mutating call, under way or answered, and the hash of its payload."""

    payload_hash: str
    call: Call


class Run:
    """One run. Models are touched by the compute thread only; the rest is guarded by `lock`."""

    def __init__(self, run_id: str, ledger: Ledger) -> None:
        self.run_id = run_id
        self.lock = threading.RLock()
        self.models: dict[str, RunModel] = {}
        self.calls: dict[str, StoredCall] = {}
        self.kept: dict[str, KeptRows] = {}
        self._ledger = ledger

    def acquire(self, request_id: str, compute: Compute) -> int:
        """A new fence; the same for a repeated request. What earlier holders left is freed, their models by `compute`.

        A call of theirs may be under way: the models go after it, and before any call of the new holder.
        """
        with self.lock:
            fence, is_new = self._ledger.acquire(self.run_id, request_id)
            if is_new:
                self.kept.clear()
                self.calls.clear()
                compute.submit(lambda _: self.models.clear())
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

    def find(self, ref: ModelRef) -> RunModel:
        """The model at the version expected (a version left out: at any).

        Raises NotFound for an unknown model, FailedPrecondition for another version.
        """
        found = self.models.get(ref.model)
        if found is None:
            known = (
                ", ".join(sorted(self.models))
                or "none: after a restart of the server or a takeover of the run, restore the last checkpoint"
            )
            raise NotFound(f"run {self.run_id!r} has no model {ref.model!r} here (models: {known})")
        if ref.HasField("version") and found.version() != ref.version:
            raise FailedPrecondition(
                f"model {ref.model!r} of run {self.run_id!r} is at version {_describe(found.version())}, not at "
                f"{_describe(ref.version)}: restore the last checkpoint and replay the iteration"
            )
        return found

    def add(self, models: Mapping[str, Model]) -> list[RunModel]:
        """Takes models in under their names, each in a new generation; models of these names are replaced."""
        generations = self._ledger.next_generations(self.run_id, list(models))
        added = {name: RunModel(model, generations[name]) for name, model in models.items()}
        self.models.update(added)
        return list(added.values())

    def discard_gradients(self, engine: Engine) -> None:
        """Drops what all models of the run have accumulated."""
        for item in self.models.values():
            engine.discard_gradients(item.model)
            item.gradient_requests.clear()

    def kept_batch(self, name: str) -> KeptRows:
        """Raises NotFound."""
        with self.lock:
            found = self.kept.get(name)
        if found is None:
            raise NotFound(
                f"run {self.run_id!r} has no kept batch {name!r} here: it was released, or the server restarted or "
                "the run "
                "was taken over since. Send the rows again"
            )
        return found

    def release(self, request_ids: Iterable[str], kept_batch_ids: Iterable[str]) -> tuple[int, int]:
        """Drops answers and kept batches, if they are there. Returns how many answers and batches are left."""
        with self.lock:
            for request_id in request_ids:
                self.calls.pop(request_id, None)
            for name in kept_batch_ids:
                self.kept.pop(name, None)
            return len(self.calls), len(self.kept)

    def forget(self, request_id: str, call: Call) -> None:
        """Drops a call that failed, so that a retry runs again."""
        with self.lock:
            stored = self.calls.get(request_id)
            if stored is not None and stored.call is call:
                del self.calls[request_id]


class Runs:
    """All runs, by id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def get(self, run_id: str) -> Run:
        """The run of this id; one that nobody acquired has neither models nor a valid fence."""
        with self._lock:
            if run_id not in self._runs:
                self._runs[run_id] = Run(run_id, self._ledger)
            return self._runs[run_id]


def _describe(version: ModelVersion) -> str:
    weights = version.weights_hash[:12] or "unnamed"
    return f"(generation {version.generation}, optimiser step {version.optimizer_step}, weights {weights})"
