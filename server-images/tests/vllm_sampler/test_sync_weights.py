"""Weights that the trainer published, as vLLM computes with them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from server_client import ROWS, RunClient, refused
from vllm_sampler.conftest import MAX_LORA_RANK, NATS, Servers, computed, publish, sync

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "an adapter": ("adapter", {"lora": models.LoraShape(rank=MAX_LORA_RANK, alpha=16.0)}),
    "an adapter of the last block": ("adapter", {"lora": models.LoraShape(rank=4, alpha=16.0, last_blocks=1)}),
    "an adapter above vLLM's rank": ("merged weights", {"lora": models.LoraShape(rank=2 * MAX_LORA_RANK, alpha=16.0)}),
    "full weights": ("merged weights", {"full": models.FullShape()}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sampler_follows_the_trainer(trainer: RunClient, sampler: RunClient, shape: str) -> None:
    held_as, fields = SHAPES[shape]
    ref = trainer.create(**fields)
    seen = []
    for _ in range(3):
        result = sync(sampler, ref, publish(trainer, ref))
        assert (result.version, result.held_as) == (ref.version, held_as)
        seen.append(computed(sampler, ref, ROWS))
        assert seen[-1] == pytest.approx(trainer.logprobs(ref), abs=NATS)
        ref = trainer.step(ref)
    assert max(abs(a - b) for a, b in zip(seen[1], seen[2], strict=True)) > 100 * NATS


def test_models_are_held_side_by_side_until_one_takes_the_base_s_place(trainer: RunClient, sampler: RunClient) -> None:
    reference, policy = trainer.create("reference"), trainer.step(trainer.create("policy"))
    for ref in (reference, policy):
        sync(sampler, ref, publish(trainer, ref))
    for ref in (reference, policy, reference):
        assert computed(sampler, ref, ROWS) == pytest.approx(trainer.logprobs(ref), abs=NATS)
    full = trainer.step(trainer.create("full", full=models.FullShape()))
    sync(sampler, full, publish(trainer, full))
    assert computed(sampler, full, ROWS) == pytest.approx(trainer.logprobs(full), abs=NATS)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "does not hold model 'policy'", "SyncWeights"):
        computed(sampler, policy, ROWS)
    # An adapter needs the base again, which is loaded from its files.
    sync(sampler, policy, publish(trainer, policy))
    assert computed(sampler, policy, ROWS) == pytest.approx(trainer.logprobs(policy), abs=NATS)


def test_another_version_is_refused_by_both_names(trainer: RunClient, sampler: RunClient) -> None:
    old = trainer.create()
    sync(sampler, old, publish(trainer, old))
    new = trainer.step(old)
    hashes = (old.version.weights_hash[:12], new.version.weights_hash[:12])
    with refused(grpc.StatusCode.FAILED_PRECONDITION, *hashes, "optimiser step 0", "optimiser step 1"):
        list(sampler.sampler.SampleRollouts(sampler.sample_request(new)))
    sync(sampler, new, publish(trainer, new))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, *hashes):
        computed(sampler, old, ROWS)


def test_the_same_weights_in_another_generation_get_their_new_version(trainer: RunClient, sampler: RunClient) -> None:
    ref = trainer.create()
    checkpoint = publish(trainer, ref)
    sync(sampler, ref, checkpoint)
    [restored] = trainer.restore(checkpoint)
    assert restored.version != ref.version
    assert sync(sampler, restored, checkpoint).version == restored.version
    assert computed(sampler, restored, ROWS) == pytest.approx(trainer.logprobs(restored), abs=NATS)


def test_a_repeated_request_gets_the_stored_answer(trainer: RunClient, sampler: RunClient) -> None:
    ref = trainer.create()
    request = samples.SyncWeightsRequest(
        mutation=sampler.mutation("sync-1"), model=ref, checkpoint=publish(trainer, ref)
    )
    first = sampler.result(sampler.sampler.SyncWeights, request)
    assert sampler.result(sampler.sampler.SyncWeights, request) == first
    request.model.version.optimizer_step += 1
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "sync-1", "another payload"):
        list(sampler.sampler.SyncWeights(request))


def test_who_takes_a_run_over_finds_none_of_its_models(
    trainer: RunClient, sampler: RunClient, servers: Servers
) -> None:
    ref = trainer.create()
    sync(sampler, ref, publish(trainer, ref))
    successor = RunClient(servers.sampler, servers.base, run_id=sampler.run_id, attempt="attempt-2")
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "stale"):
        sync(sampler, ref, publish(trainer, ref))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "does not hold"):
        computed(successor, ref, ROWS)


def test_what_is_not_the_version_is_refused(trainer: RunClient, sampler: RunClient, servers: Servers) -> None:
    ref = trainer.create()
    checkpoint = publish(trainer, ref)
    other = common.ModelRef(model=ref.model, version=common.ModelVersion(generation=1, weights_hash="ab" * 32))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, ref.version.weights_hash, "ab" * 32):
        sync(sampler, other, checkpoint)
    missing = common.CheckpointRef(uri="checkpoints/nowhere", manifest_hash=checkpoint.manifest_hash)
    with refused(grpc.StatusCode.NOT_FOUND, "checkpoints/nowhere"):
        sync(sampler, ref, missing)
    critic = trainer.critic()
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "scalar head"):
        sync(sampler, critic, publish(trainer, critic))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "source"):
        sampler.result(sampler.sampler.SyncWeights, samples.SyncWeightsRequest(mutation=sampler.mutation(), model=ref))
    file = servers.published / checkpoint.uri.removeprefix("checkpoints/") / "policy.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with refused(grpc.StatusCode.DATA_LOSS, "policy.safetensors"):
        sync(sampler, ref, checkpoint)
