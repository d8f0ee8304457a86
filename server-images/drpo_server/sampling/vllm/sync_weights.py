"""What SyncWeights does: finds a version's weights, checks that they are it, and makes vLLM hold them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drpo_server.checkpoints import Checkpoint, SavedModel, load_tensors
from drpo_server.engine.types import Head, OnProgress
from drpo_server.engine.weights_hash import hash_weights
from drpo_server.errors import DataLoss, FailedPrecondition, InvalidArgument, NotFound
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import ModelVersion
from drpo_server.sampling.vllm.held_weights import Held, Key
from drpo_server.sampling.vllm.services import VllmServices
from drpo_server.wire.broadcast import decode_members
from drpo_server.wire.fields import which

_NO_SOURCE = (
    "this server was started without --weights-from: say there where the trainer publishes, or broadcast the weights"
)


def sync_weights(services: VllmServices, request: pb.SyncWeightsRequest, on_progress: OnProgress) -> Held:
    """Holds the version that the request names. on_progress gets (bytes done, bytes).

    Raises FailedPrecondition, InvalidArgument, NotFound or DataLoss; what was held before is then held still, unless
    weights were being replaced.
    """
    where = "SyncWeightsRequest"
    source = which(request, "source", where)
    version = ModelVersion()
    version.CopyFrom(request.model.version)
    key: Key = (request.mutation.run_id, request.model.model)
    known = services.held.relabel(key, version)
    if known is not None:
        return known
    if source == "broadcast":
        return services.held.hold_merged(key, version, *_broadcast(request.broadcast, where))
    if services.published is None:
        raise FailedPrecondition(f"{where}.checkpoint: {_NO_SOURCE}")
    checkpoint = services.published.open(request.checkpoint, f"{where}.checkpoint", on_progress)
    saved = _published_model(checkpoint, request.model.model, version, services.base_hash)
    _check_weights(checkpoint, saved, on_progress)
    return _hold(services, key, version, checkpoint, saved)


def _published_model(checkpoint: Checkpoint, model: str, version: ModelVersion, base_hash: str) -> SavedModel:
    found = next((saved for saved in checkpoint.models if saved.name == model), None)
    where = f"{checkpoint.uri}, model {model!r}"
    if found is None:
        names = ", ".join(sorted(saved.name for saved in checkpoint.models))
        raise NotFound(f"{checkpoint.uri} holds no model {model!r}: it has {names}")
    if checkpoint.sharded:
        raise InvalidArgument(f"{where} was saved with optimiser state by several processes: publish it without")
    if found.weights_hash != version.weights_hash:
        raise InvalidArgument(f"{where} has weights {found.weights_hash}; the version says {version.weights_hash}")
    if found.base_hash != base_hash:
        raise FailedPrecondition(
            f"{where} belongs to a base with hash {found.base_hash}; this server's has {base_hash}: start it with the "
            "trainer's as --base"
        )
    if found.head is not Head.LANGUAGE_MODEL:
        raise InvalidArgument(f"{where} has a {found.head.value} head: only language models are sampled from")
    return found


def _check_weights(checkpoint: Checkpoint, saved: SavedModel, on_progress: OnProgress) -> None:
    total = checkpoint.files[saved.weights_file].bytes
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        on_progress(done, total)

    if hash_weights(load_tensors(checkpoint, saved.weights_file, advance)) != saved.weights_hash:
        raise DataLoss(f"{checkpoint.uri}/{saved.weights_file} does not have the weights that its manifest names")


def _hold(services: VllmServices, key: Key, version: ModelVersion, checkpoint: Checkpoint, saved: SavedModel) -> Held:
    held = services.held
    file = checkpoint.folder / saved.weights_file
    if saved.lora is None:
        return held.hold_merged(key, version, {"files": [str(file)]})
    if saved.lora.rank <= services.engine.max_lora_rank:
        return held.hold_adapter(key, version, saved, file)
    scale = saved.lora.alpha / saved.lora.rank
    update = {"files": held.base_files(), "adapter": str(file), "adapter_scale": scale}
    return held.hold_merged(key, version, update)


def _broadcast(message: pb.WeightBroadcast, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An UpdateInfo and a GroupInfo."""
    where += ".broadcast"
    members = decode_members(message.group, f"{where}.group")
    if not 1 <= message.rank < members.world_size:
        raise InvalidArgument(f"{where}.rank is {message.rank} in a group of {members.world_size}; the trainer is 0")
    if not message.weights:
        raise InvalidArgument(f"{where}.weights is empty: send the list that SendWeights answered")
    specs = [{"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)} for spec in message.weights]
    return {"broadcast": specs}, {**asdict(members), "rank": message.rank}
