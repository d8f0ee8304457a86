"""The runs that this server serves: their models and versions, and their kept batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drpo_server.compute import Call, Compute
from drpo_server.engine.engine import Engine, KeptBatch
from drpo_server.engine.model import Model
from drpo_server.errors import FailedPrecondition, NotFound
from drpo_server.fenced_run import FencedRun, FencedRuns, describe_version
from drpo_server.ledger import Ledger
from drpo_server.proto_gen.common_pb2 import ModelRef, ModelVersion
from drpo_server.proto_gen.model_service_pb2 import AcquireRunRequest


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


class Run(FencedRun):
    """One run. Models are touched by the compute thread only; the rest is guarded by `lock`."""

    def __init__(self, run_id: str, ledger: Ledger) -> None:
        super().__init__(run_id, ledger)
        self.models: dict[str, RunModel] = {}
        self.kept: dict[str, KeptRows] = {}

    def acquire(self, request_id: str, compute: Compute) -> int:
        """A new fence; the same for a repeated request. What earlier holders left is freed, models and batches by
        `compute`.

        A call of theirs may be under way: models and batches go after it, and before any call of the new holder.
        """

        def free() -> None:
            compute.submit(self._free, AcquireRunRequest(run_id=self.run_id, request_id=request_id))

        return self.take(request_id, free)

    def _free(self, _: Call) -> None:
        self.models.clear()
        with self.lock:
            self.kept.clear()

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
                f"model {ref.model!r} of run {self.run_id!r} is at version {describe_version(found.version())}, not at "
                f"{describe_version(ref.version)}: restore the last checkpoint and replay the iteration"
            )
        return found

    def add(self, models: Mapping[str, Model]) -> list[RunModel]:
        """Takes models in under their names, each in a new generation; models of these names are replaced."""
        generations = self._ledger.next_generations(self.run_id, list(models))
        added = {name: RunModel(model, generations[name]) for name, model in models.items()}
        self.models.update(added)
        return list(added.values())

    def hold(self, model: Model, version: ModelVersion) -> RunModel:
        """Takes in a model whose version another server has named, under its name."""
        model.optimizer_step = version.optimizer_step
        self.models[model.name] = held = RunModel(model, version.generation)
        return held

    def refuse_accumulated(self, request_id: str) -> None:
        """Raises FailedPrecondition if a model still holds the gradients of this request: computed again, they would
        count twice. Its answer was released, or it would have been found."""
        holders = [name for name, item in self.models.items() if request_id in item.gradient_requests]
        if holders:
            raise FailedPrecondition(
                f"the gradients of request {request_id!r} are accumulated on {', '.join(sorted(holders))} already, and "
                "its answer was released: step on them, or restore the last checkpoint and replay the iteration"
            )

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
            for name in kept_batch_ids:
                self.kept.pop(name, None)
            return self.release_answers(request_ids), len(self.kept)


class Runs(FencedRuns[Run]):
    """All runs, by id."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, Run)
