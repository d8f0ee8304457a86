"""Rollouts that vLLM writes, beside those of the PyTorch sampler with the same weights and seeds."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from server_client import DEADLINE_SECONDS, ROWS, RunClient, refused
from vllm_sampler.conftest import NATS, Servers, computed, publish, sync

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen.schema_hash import SCHEMA_HASH

PROMPT = list(range(40, 80))

PARAMS = {
    "as the model says": samples.SamplingParams(temperature=1.0, top_p=1.0, stop_token_ids=[1]),
    "at another temperature": samples.SamplingParams(temperature=0.7, top_p=1.0),
    "from the likeliest": samples.SamplingParams(temperature=1.3, top_p=0.8, top_k=20),
}


@pytest.fixture
def policy(trainer: RunClient, sampler: RunClient) -> common.ModelRef:
    """A model that both hold."""
    ref = trainer.step(trainer.create())
    sync(sampler, ref, publish(trainer, ref))
    return ref


def rollouts(
    client: RunClient, ref: common.ModelRef, *contexts: samples.SampleContext, **fields: Any
) -> dict[Any, Any]:
    """By context and continuation."""
    request = client.sample_request(ref, **({"contexts": contexts} if contexts else {}), **fields)
    found = client.answers(client.sampler.SampleRollouts, request)
    assert all(item.version == ref.version for item in found)
    return {(item.context_index, item.continuation_index): item for item in found}


def context(seeds: range, position: int = 0, tokens: list[int] = PROMPT, new: int = 24) -> samples.SampleContext:
    return samples.SampleContext(token_ids=tokens, max_new_tokens=new, first_position=position, seeds=seeds)


@pytest.mark.parametrize("params", PARAMS)
def test_the_same_seeds_write_what_the_pytorch_sampler_writes(
    trainer: RunClient, sampler: RunClient, policy: common.ModelRef, params: str
) -> None:
    # 12 rollouts: a rounding difference could part two of them, but not on this model and these seeds.
    contexts = [context(range(8)), context(range(100, 104), tokens=PROMPT[:7], new=9)]
    ours = rollouts(sampler, policy, *contexts, params=PARAMS[params])
    theirs = rollouts(trainer, policy, *contexts, params=PARAMS[params])
    assert len(ours) == 12
    for place, rollout in theirs.items():
        assert list(ours[place].token_ids) == list(rollout.token_ids)
        assert ours[place].finish_reason == rollout.finish_reason
        assert list(ours[place].logprobs) == pytest.approx(list(rollout.logprobs), abs=NATS)


def test_a_stop_token_is_kept_as_the_last(sampler: RunClient, policy: common.ModelRef) -> None:
    free = rollouts(sampler, policy, context(range(1)), params=PARAMS["at another temperature"])[0, 0]
    stop = free.token_ids[5]
    params = samples.SamplingParams(temperature=0.7, top_p=1.0, stop_token_ids=[stop])
    stopped = rollouts(sampler, policy, context(range(1)), params=params)[0, 0]
    length = list(free.token_ids).index(stop) + 1
    assert list(stopped.token_ids) == list(free.token_ids[:length])
    assert stopped.finish_reason == samples.FINISH_REASON_STOP
    assert free.finish_reason == samples.FINISH_REASON_LENGTH


def test_a_rollout_depends_on_neither_its_batch_nor_where_it_was_cut(
    sampler: RunClient, policy: common.ModelRef
) -> None:
    params = PARAMS["at another temperature"]
    many = rollouts(sampler, policy, context(range(30)), params=params)
    alone = rollouts(sampler, policy, context(range(7, 8)), params=params)[0, 0]
    assert list(alone.token_ids) == list(many[0, 7].token_ids)
    written = list(alone.token_ids)
    rest = context(range(7, 8), position=10, tokens=PROMPT + written[:10], new=14)
    assert list(rollouts(sampler, policy, rest, params=params)[0, 0].token_ids) == written[10:]


def test_log_probs_are_at_the_temperature(sampler: RunClient, policy: common.ModelRef) -> None:
    assert computed(sampler, policy, ROWS, 0.5) != pytest.approx(computed(sampler, policy, ROWS), abs=100 * NATS)
    rollout = rollouts(sampler, policy, context(range(1)), params=PARAMS["at another temperature"])[0, 0]
    rows = common.TokenBatch(
        token_ids=[*PROMPT, *rollout.token_ids],
        row_lengths=[len(PROMPT) + 24],
        span_starts=[len(PROMPT)],
        span_lengths=[24],
    )
    assert computed(sampler, policy, rows, 0.7) == pytest.approx(list(rollout.logprobs), abs=NATS)


@pytest.mark.usefixtures("policy")  # so that the base is in its place
def test_the_base_without_an_adapter(trainer: RunClient, sampler: RunClient, servers: Servers) -> None:
    fresh = trainer.create("fresh")  # B = 0: computes what the base does
    request = samples.ComputeLogprobsRequest(base=str(servers.base), rows=ROWS)
    result = sampler.result(sampler.sampler.ComputeLogprobs, request)
    assert list(result.logprobs) == pytest.approx(trainer.logprobs(fresh), abs=NATS)
    assert not result.HasField("version")
    request.base = "/nowhere"
    with refused(grpc.StatusCode.NOT_FOUND, "/nowhere"):
        sampler.result(sampler.sampler.ComputeLogprobs, request)


def test_a_caller_that_goes_away_leaves_room_for_the_next(sampler: RunClient, policy: common.ModelRef) -> None:
    # 4,000 rollouts of 200 tokens would take minutes, and all but 16 wait in vLLM's queue.
    long = context(range(4000), tokens=PROMPT[:1], new=200)
    params = samples.SamplingParams(temperature=1.0, top_p=1.0)
    stream = sampler.sampler.SampleRollouts(
        sampler.sample_request(policy, contexts=[long], params=params), timeout=DEADLINE_SECONDS
    )
    for answer in stream:
        if answer.progress.total == 4000:
            break
    stream.cancel()
    assert len(rollouts(sampler, policy, context(range(4)), params=params)) == 4


def test_what_does_not_fit_is_refused(sampler: RunClient, policy: common.ModelRef) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "contexts[0].token_ids[1] is 512", "512 tokens"):
        rollouts(sampler, policy, context(range(1), tokens=[5, 512]))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "at most 256"):
        rollouts(sampler, policy, context(range(1), new=300))


def test_says_what_it_is(sampler: RunClient, servers: Servers) -> None:
    info = sampler.models.GetServerInfo(models.GetServerInfoRequest(), timeout=DEADLINE_SECONDS)
    assert info.engine == "vllm 0.32.0"
    assert list(info.capabilities) == ["sampler"]
    assert (info.schema_hash, info.dtype, info.device) == (SCHEMA_HASH, "float32", "cpu")
    assert list(info.resident_bases) == [str(servers.base)]
    assert info.sampling_slots > 1
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        sampler.create()
