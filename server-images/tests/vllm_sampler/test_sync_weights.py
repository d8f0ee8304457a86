"""Weights that the trainer published, as vLLM computes with them."""

from __future__ import annotations

from typing import Any

import pytest
from server_client import ROWS, RunClient
from vllm_sampler.conftest import MAX_LORA_RANK

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples

NATS = 1e-4

SHAPES: dict[str, dict[str, Any]] = {
    "adapter": {"lora": models.LoraShape(rank=MAX_LORA_RANK, alpha=16.0)},
    "adapter of the last block": {"lora": models.LoraShape(rank=4, alpha=16.0, last_blocks=1)},
    "adapter above vLLM's rank": {"lora": models.LoraShape(rank=2 * MAX_LORA_RANK, alpha=16.0)},
    "full weights": {"full": models.FullShape()},
}


def publish(trainer: RunClient, ref: common.ModelRef) -> common.CheckpointRef:
    return trainer.save([ref], f"checkpoints/sync/{ref.model}-{ref.version.weights_hash[:16]}")


def sync(sampler: RunClient, ref: common.ModelRef, checkpoint: common.CheckpointRef) -> Any:
    request = samples.SyncWeightsRequest(mutation=sampler.mutation(), model=ref, checkpoint=checkpoint)
    return sampler.result(sampler.sampler.SyncWeights, request)


def computed(sampler: RunClient, ref: common.ModelRef, temperature: float = 1.0) -> list[float]:
    request = samples.ComputeLogprobsRequest(run_id=sampler.run_id, model=ref, rows=ROWS, temperature=temperature)
    return list(sampler.result(sampler.sampler.ComputeLogprobs, request).logprobs)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sampler_follows_the_trainer(trainer: RunClient, sampler: RunClient, shape: str) -> None:
    ref = trainer.create(**SHAPES[shape])
    expected_as = "adapter" if shape in ("adapter", "adapter of the last block") else "merged weights"
    seen = []
    for _ in range(3):
        result = sync(sampler, ref, publish(trainer, ref))
        assert (result.version, result.held_as) == (ref.version, expected_as)
        seen.append(computed(sampler, ref))
        assert seen[-1] == pytest.approx(trainer.logprobs(ref), abs=NATS)
        ref = trainer.step(ref)
    assert max(abs(a - b) for a, b in zip(seen[0], seen[1], strict=True)) > 100 * NATS
