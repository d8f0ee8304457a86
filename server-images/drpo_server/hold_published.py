"""Holds a version of a model that the trainer published."""

from __future__ import annotations

from drpo_server.checkpoints import Checkpoint, SavedModel, load_tensors
from drpo_server.engine.model import Model
from drpo_server.engine.types import OnProgress
from drpo_server.errors import FailedPrecondition, InvalidArgument, NotFound, engine_refusals
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import ModelVersion
from drpo_server.runs import Run, RunModel
from drpo_server.services import Services


def hold_published(services: Services, run: Run, request: pb.SyncWeightsRequest, on_progress: OnProgress) -> RunModel:
    """The model at the version that the request names, on the compute thread. Raises as PublishedWeights.open does, and
    InvalidArgument, NotFound or FailedPrecondition for weights that are not the version's."""
    where, name, version = "SyncWeightsRequest.checkpoint", request.model.model, request.model.version
    held = run.models.get(name)
    if held is not None and held.model.trainable:
        raise FailedPrecondition(f"{where} is set, but this server trains {name!r} itself: leave the source out")
    if held is not None and held.model.weights_hash() == version.weights_hash:
        return run.hold(held.model, version)  # the same weights under another name: a restore, for example
    if services.published is None:
        raise FailedPrecondition(
            f"{where}: this server was started without --weights-from: say there where the trainer publishes"
        )
    checkpoint = services.published.open(request.checkpoint, where, on_progress)
    saved = _find(checkpoint, name, version)
    return run.hold(_load(services, checkpoint, saved, held.model if held is not None else None, on_progress), version)


def _find(checkpoint: Checkpoint, name: str, version: ModelVersion) -> SavedModel:
    saved = next((saved for saved in checkpoint.models if saved.name == name), None)
    if saved is None:
        names = ", ".join(sorted(saved.name for saved in checkpoint.models))
        raise NotFound(f"{checkpoint.uri} holds no model {name!r}: it has {names}")
    if saved.weights_hash != version.weights_hash:
        raise InvalidArgument(
            f"{checkpoint.uri}, model {name!r} has weights {saved.weights_hash}, and the version that was asked for "
            f"{version.weights_hash}"
        )
    return saved


def _load(
    services: Services, checkpoint: Checkpoint, saved: SavedModel, held: Model | None, on_progress: OnProgress
) -> Model:
    where = f"{checkpoint.uri}, model {saved.name!r}"
    base = services.bases.with_hash(saved.base, saved.base_hash, where)
    total, read = sum(file.bytes for file in checkpoint.files_of(saved.weights_file).values()), 0

    def on_bytes(size: int) -> None:
        nonlocal read
        read += size
        on_progress(read, total)

    weights = load_tensors(checkpoint, saved.weights_file, on_bytes)
    with engine_refusals(where):
        fits = held is not None and (held.base, held.lora, held.head) == (base, saved.lora, saved.head)
        # In place where that can be: two versions of all weights need not be in memory at the same time.
        model = (
            held
            if held is not None and fits
            else services.engine.create_model(
                name=saved.name, base=base, lora=saved.lora, head=saved.head, trainable=False
            )
        )
        model.load_state(weights)
    if model.weights_hash() != saved.weights_hash:
        raise InvalidArgument(
            f"{where} was saved with weights of another type than this server's: start it with the trainer's --dtype"
        )
    return model
