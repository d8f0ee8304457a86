"""SamplerService: rollouts stream as they finish, and stop when nobody listens."""

from __future__ import annotations

import grpc
import pytest
from server_client import DEADLINE_SECONDS, RunClient, refused

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.server import BoundServer

CONTEXTS = [
    samples.SampleContext(token_ids=[5, 6, 7], max_new_tokens=6, seeds=[1, 2, 3]),
    samples.SampleContext(token_ids=[9], max_new_tokens=4, seeds=[2**64 - 1]),
]


def by_place(rollouts: list[samples.SampledRollout]) -> dict[tuple[int, int], samples.SampledRollout]:
    return {(rollout.context_index, rollout.continuation_index): rollout for rollout in rollouts}


def test_one_rollout_for_each_seed_of_each_context(run: RunClient) -> None:
    ref = run.step(run.create())
    rollouts = by_place(run.answers(run.sampler.SampleRollouts, run.sample_request(ref, contexts=CONTEXTS)))
    assert set(rollouts) == {(0, 0), (0, 1), (0, 2), (1, 0)}
    for (context, _), rollout in rollouts.items():
        assert rollout.version == ref.version
        assert len(rollout.logprobs) == len(rollout.token_ids) <= CONTEXTS[context].max_new_tokens
        stopped = rollout.token_ids[-1] == 0
        assert rollout.finish_reason == (samples.FINISH_REASON_STOP if stopped else samples.FINISH_REASON_LENGTH)


def test_the_same_call_gives_the_same_rollouts(run: RunClient) -> None:
    request = run.sample_request(run.create(), contexts=CONTEXTS)
    first, second = (run.answers(run.sampler.SampleRollouts, request) for _ in range(2))
    assert first == second


def test_logprobs_are_those_of_the_trainer(run: RunClient) -> None:
    ref = run.step(run.create())
    rollouts = run.answers(run.sampler.SampleRollouts, run.sample_request(ref, contexts=CONTEXTS))
    rows = [[*CONTEXTS[rollout.context_index].token_ids, *rollout.token_ids] for rollout in rollouts]
    batch = common.TokenBatch(
        token_ids=[token for row in rows for token in row],
        row_lengths=[len(row) for row in rows],
        span_starts=[len(CONTEXTS[rollout.context_index].token_ids) for rollout in rollouts],
        span_lengths=[len(rollout.token_ids) for rollout in rollouts],
    )
    outputs = [training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS)]
    request = training.ForwardRequest(run_id=run.run_id, batch=common.BatchInput(rows=batch), outputs=outputs)
    expected = run.result(run.trainer.Forward, request).outputs[0].values
    assert [logprob for rollout in rollouts for logprob in rollout.logprobs] == pytest.approx(expected, abs=1e-4)


def test_progress_counts_rollouts(run: RunClient) -> None:
    request = run.sample_request(run.create(), contexts=CONTEXTS)
    stream = run.sampler.SampleRollouts(request, timeout=DEADLINE_SECONDS)
    progress = [item.progress for item in stream if item.HasField("progress")]
    assert progress[0].total == 4
    assert all(item.total == 4 and item.done <= 4 for item in progress)


def test_stale_version_is_refused(run: RunClient) -> None:
    ref = run.create()
    run.step(ref)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "optimiser step 1"):
        run.answers(run.sampler.SampleRollouts, run.sample_request(ref))


def test_scalar_head_cannot_be_sampled_from(run: RunClient) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "'critic' has a scalar head"):
        run.answers(run.sampler.SampleRollouts, run.sample_request(run.critic()))


def test_work_stops_when_the_caller_goes_away(run: RunClient, bound: BoundServer) -> None:
    ref = run.create()
    positions = 100
    waves = 100  # of 16384 // (1 + positions) rows at once, by the sampler's token budget
    long = samples.SampleContext(token_ids=[5], max_new_tokens=positions, seeds=range(16_000))
    params = samples.SamplingParams(temperature=1.0, top_p=1.0)
    stream = run.sampler.SampleRollouts(
        run.sample_request(ref, contexts=[long], params=params), timeout=DEADLINE_SECONDS
    )
    next(stream)
    stream.cancel()
    before = bound.services.compute.advances
    run.logprobs(ref)  # its turn comes when the sampling has ended
    assert bound.services.compute.advances - before < positions * waves / 2


def test_sync_weights_answers_the_version_held(run: RunClient) -> None:
    ref = run.create()
    request = samples.SyncWeightsRequest(mutation=run.mutation(), model=ref)
    assert run.result(run.sampler.SyncWeights, request).version == ref.version
