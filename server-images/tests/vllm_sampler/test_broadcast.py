"""Weights that the trainer broadcasts: over gloo, between the trainer's process and vLLM's."""

from __future__ import annotations

import socket
from typing import Any

import grpc
import pytest
from server_client import DEADLINE_SECONDS, ROWS, RunClient, refused
from vllm_sampler.conftest import NATS, computed

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def broadcast(trainer: RunClient, sampler: RunClient, ref: common.ModelRef) -> tuple[Any, Any]:
    """The answers of both sides."""
    group = common.WeightGroup(master_address="127.0.0.1", master_port=free_port(), world_size=2)
    request = models.SendWeightsRequest(run_id=trainer.run_id, model=ref, group=group)
    sending = trainer.models.SendWeights(request, timeout=DEADLINE_SECONDS)
    weights = next(answer.list.weights for answer in sending if answer.WhichOneof("update") == "list")
    taken = samples.SyncWeightsRequest(
        mutation=sampler.mutation(),
        model=ref,
        broadcast=samples.WeightBroadcast(group=group, rank=1, weights=weights),
    )
    received = sampler.result(sampler.sampler.SyncWeights, taken)
    [sent] = [answer.result for answer in sending if answer.WhichOneof("update") == "result"]
    return sent, received


@pytest.mark.parametrize("shape", ["lora", "full"])
def test_the_sampler_follows_the_trainer(trainer: RunClient, sampler: RunClient, shape: str) -> None:
    fields: dict[str, Any] = {"full": models.FullShape()} if shape == "full" else {}
    ref = trainer.create(**fields)
    for _ in range(2):
        ref = trainer.step(ref)
        sent, received = broadcast(trainer, sampler, ref)
        assert sent.version == received.version == ref.version
        assert received.held_as == "merged weights"
        assert sent.bytes > 100_000
        assert computed(sampler, ref, ROWS) == pytest.approx(trainer.logprobs(ref), abs=NATS)


def test_a_group_that_cannot_be_is_refused(trainer: RunClient, sampler: RunClient) -> None:
    ref = trainer.create()
    group = common.WeightGroup(master_address="127.0.0.1", master_port=1, world_size=1)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "world_size is 1"):
        list(trainer.models.SendWeights(models.SendWeightsRequest(run_id=trainer.run_id, model=ref, group=group)))
    group.world_size = 2
    request = samples.SyncWeightsRequest(
        mutation=sampler.mutation(), model=ref, broadcast=samples.WeightBroadcast(group=group, rank=2)
    )
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "rank is 2"):
        list(sampler.sampler.SyncWeights(request))
