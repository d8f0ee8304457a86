"""The order of checks, and that every mutating call happens once however often it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from server_client import DEADLINE_SECONDS, ROWS, RunClient, busy, refused

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.server import BoundServer

STATUS = grpc.StatusCode


def as_stream(method: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda request: RunClient.result(method, request)


def as_unary(method: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda request: method(request, timeout=DEADLINE_SECONDS)


Case = tuple[Callable[[Any], Any], Any, Any]
"""How to send, the request, and the same request_id with another payload."""


def create_model(run: RunClient) -> Case:
    request = run.create_request()
    return as_stream(run.models.CreateModel), request, run.create_request(mutation=request.mutation, seed=8)


def delete_model(run: RunClient) -> Case:
    run.create()
    request = models.DeleteModelRequest(mutation=run.mutation(), model="policy")
    return (
        as_unary(run.models.DeleteModel),
        request,
        models.DeleteModelRequest(mutation=request.mutation, model="other"),
    )


def save_checkpoint(run: RunClient) -> Case:
    request = models.SaveCheckpointRequest(mutation=run.mutation(), uri="checkpoints/one", models=[run.create()])
    other = models.SaveCheckpointRequest()
    other.CopyFrom(request)
    other.with_optimizer_state = True
    return as_stream(run.models.SaveCheckpoint), request, other


def restore_checkpoint(run: RunClient) -> Case:
    checkpoint = run.save([run.create()])
    request = models.RestoreCheckpointRequest(mutation=run.mutation(), checkpoint=checkpoint)
    other = models.RestoreCheckpointRequest(
        mutation=request.mutation,
        checkpoint=checkpoint,
        models=[models.RestoredModel(saved_name="policy", model="reference")],
    )
    return as_stream(run.models.RestoreCheckpoint), request, other


def delete_checkpoint(run: RunClient) -> Case:
    run.save([run.create()])
    request = models.DeleteCheckpointRequest(mutation=run.mutation(), uri="checkpoints/one")
    other = models.DeleteCheckpointRequest(mutation=request.mutation, uri="checkpoints/two")
    return as_unary(run.models.DeleteCheckpoint), request, other


def export_model(run: RunClient) -> Case:
    request = models.ExportModelRequest(
        mutation=run.mutation(), model=run.create(), format=models.EXPORT_FORMAT_PEFT_ADAPTER, uri="stages/adapter"
    )
    other = models.ExportModelRequest()
    other.CopyFrom(request)
    other.uri = "stages/other"
    return as_stream(run.models.ExportModel), request, other


def sync_weights(run: RunClient) -> Case:
    ref, other = run.create(), run.create("other")
    request = samples.SyncWeightsRequest(mutation=run.mutation(), model=ref)
    return (
        as_stream(run.sampler.SyncWeights),
        request,
        samples.SyncWeightsRequest(mutation=request.mutation, model=other),
    )


def forward_backward(run: RunClient) -> Case:
    ref = run.create()
    request = run.gradient_request(ref)
    loss = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[0.5] * 6))
    return (
        as_stream(run.trainer.ForwardBackward),
        request,
        run.gradient_request(ref, mutation=request.mutation, losses=[loss]),
    )


def optimizer_step(run: RunClient) -> Case:
    ref = run.create()
    request = run.step_request(ref, [run.add_gradients(ref)])
    other = training.OptimizerStepRequest()
    other.CopyFrom(request)
    other.max_gradient_norm = 0.5
    return as_unary(run.trainer.OptimizerStep), request, other


MUTATIONS = [
    create_model,
    delete_model,
    save_checkpoint,
    restore_checkpoint,
    delete_checkpoint,
    export_model,
    sync_weights,
    forward_backward,
    optimizer_step,
]


@pytest.mark.parametrize("make", MUTATIONS)
class TestEveryMutation:
    def test_repeated_request_gets_the_same_answer(self, run: RunClient, make: Callable[[RunClient], Case]) -> None:
        send, request, _ = make(run)
        assert send(request) == send(request)

    def test_other_payload_under_the_same_id_is_refused(
        self, run: RunClient, make: Callable[[RunClient], Case]
    ) -> None:
        send, request, other = make(run)
        send(request)
        with refused(STATUS.INVALID_ARGUMENT, repr(request.mutation.request_id), "another payload"):
            send(other)

    def test_stale_fence_is_refused_before_the_stored_answer(
        self, run: RunClient, channel: grpc.Channel, make: Callable[[RunClient], Case]
    ) -> None:
        send, request, _ = make(run)
        send(request)
        RunClient(channel, Path(run.base), attempt="attempt-2")
        with refused(STATUS.FAILED_PRECONDITION, "fence 1 of run 'run' is stale", "took the run over (fence 2)"):
            send(request)

    def test_released_answer_is_forgotten(self, run: RunClient, make: Callable[[RunClient], Case]) -> None:
        send, request, _ = make(run)
        send(request)
        release = models.ReleaseAnswersRequest(
            mutation=run.mutation(), request_ids=[*(f"1-{n}" for n in range(1, 10)), request.mutation.request_id]
        )
        assert run.models.ReleaseAnswers(release).answers_left == 0

    def test_missing_mutation_is_refused(self, run: RunClient, make: Callable[[RunClient], Case]) -> None:
        send, request, _ = make(run)
        request.ClearField("mutation")
        with refused(STATUS.INVALID_ARGUMENT, "Request.mutation is missing"):
            send(request)

    def test_two_at_once_are_one(self, run: RunClient, bound: BoundServer, make: Callable[[RunClient], Case]) -> None:
        send, request, _ = make(run)
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda: answers.append(send(request))) for _ in range(2)]
        with busy(bound):
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 2
        assert answers[0] == answers[1]


class TestOrder:
    """One request with several faults: the first rule that it breaks answers."""

    def faulty(self, run: RunClient, **fields: Any) -> Any:
        unknown = common.ModelRef(
            model="nobody", version=common.ModelVersion(generation=9, optimizer_step=9, weights_hash="none")
        )
        return run.step_request(unknown, ["1-1"], **fields)

    def test_malformed_comes_before_a_stale_fence(self, run: RunClient) -> None:
        run.fence = 99
        with refused(STATUS.INVALID_ARGUMENT, "max_gradient_norm is -1"):
            run.trainer.OptimizerStep(self.faulty(run, max_gradient_norm=-1.0))

    def test_stale_fence_comes_before_another_payload(self, run: RunClient) -> None:
        request_id = run.create_request().mutation.request_id
        run.create()
        run.fence = 99
        with refused(STATUS.FAILED_PRECONDITION, "stale"):
            run.trainer.OptimizerStep(self.faulty(run, mutation=run.mutation(request_id)))

    def test_another_payload_comes_before_an_unknown_model(self, run: RunClient) -> None:
        request = run.create_request()
        run.result(run.models.CreateModel, request)
        with refused(STATUS.INVALID_ARGUMENT, "another payload"):
            run.trainer.OptimizerStep(self.faulty(run, mutation=request.mutation))

    def test_unknown_model(self, run: RunClient) -> None:
        run.create()
        with refused(STATUS.NOT_FOUND, "run 'run' has no model 'nobody'", "models: policy"):
            run.trainer.OptimizerStep(self.faulty(run))

    def test_wrong_version(self, run: RunClient) -> None:
        ref = run.create()
        later = common.ModelRef()
        later.CopyFrom(ref)
        later.version.optimizer_step = 3
        with refused(STATUS.FAILED_PRECONDITION, "optimiser step 0", "optimiser step 3"):
            run.trainer.OptimizerStep(run.step_request(later, ["1-1"]))

    def test_run_that_nobody_acquired(self, run: RunClient) -> None:
        run.run_id = "another"
        with refused(STATUS.FAILED_PRECONDITION, "'another' was never acquired", "AcquireRun"):
            run.create()


class TestFences:
    def test_each_attempt_gets_a_larger_fence(self, run: RunClient, channel: grpc.Channel) -> None:
        base = Path(run.base)
        fences = [RunClient(channel, base, attempt=f"again-{n}").fence for n in range(3)]
        assert fences == [run.fence + 1, run.fence + 2, run.fence + 3]

    def test_repeated_attempt_gets_the_same_fence(self, run: RunClient, channel: grpc.Channel) -> None:
        RunClient(channel, Path(run.base), attempt="attempt-2")
        assert RunClient(channel, Path(run.base), attempt="attempt-1").fence == run.fence

    def test_what_the_earlier_holder_left_is_freed(self, run: RunClient, channel: grpc.Channel) -> None:
        left = run.create()
        taken_over = RunClient(channel, Path(run.base), attempt="attempt-2")
        with refused(STATUS.NOT_FOUND, "has no model"):
            taken_over.trainer.OptimizerStep(taken_over.step_request(left, ["1-1"]))
        taken_over.create()

    def test_takeover_frees_the_models_of_the_run_and_of_no_other(self, run: RunClient, channel: grpc.Channel) -> None:
        other = RunClient(channel, Path(run.base), run_id="another")
        other_ref = other.create()
        run.create()
        new = RunClient(channel, Path(run.base), attempt="attempt-2")
        assert new.create().version.generation == 2  # the name is free, and its version is a new one
        assert other.logprobs(other_ref)

    def test_repeated_attempt_frees_nothing(self, run: RunClient, channel: grpc.Channel) -> None:
        ref = run.create()
        again = RunClient(channel, Path(run.base), attempt="attempt-1")
        assert again.logprobs(ref)

    def test_runs_do_not_fence_each_other(self, run: RunClient, channel: grpc.Channel) -> None:
        RunClient(channel, Path(run.base), run_id="another")
        run.create()

    def test_queued_call_of_a_holder_that_was_taken_over_does_not_run(
        self, run: RunClient, bound: BoundServer, channel: grpc.Channel
    ) -> None:
        with busy(bound):
            stream = run.models.CreateModel(run.create_request(), timeout=DEADLINE_SECONDS)
            next(stream)  # its first progress: it is in the queue
            new = RunClient(channel, Path(run.base), attempt="attempt-2")
        with refused(STATUS.FAILED_PRECONDITION, "stale"):
            list(stream)
        new.create()  # the name is free


class TestFailedCall:
    def test_runs_again_when_it_is_repeated(self, run: RunClient) -> None:
        request = run.create_request("copy", copy_of="policy")
        with refused(STATUS.NOT_FOUND, "'policy'"):
            run.result(run.models.CreateModel, request)
        run.create("policy")
        assert run.result(run.models.CreateModel, request).version.generation == 1


class TestClientThatGoesAway:
    def test_its_mutation_runs_to_the_end_once(self, run: RunClient, bound: BoundServer) -> None:
        ref = run.create()
        request = run.gradient_request(ref)
        with busy(bound):
            stream = run.trainer.ForwardBackward(request, timeout=DEADLINE_SECONDS)
            next(stream)
            stream.cancel()
        answer = run.result(run.trainer.ForwardBackward, request)
        step = run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))

        other = run.create("other")
        alone = run.gradient_request(other)
        assert run.result(run.trainer.ForwardBackward, alone) == answer
        assert run.trainer.OptimizerStep(
            run.step_request(other, [alone.mutation.request_id])
        ).gradient_norm == pytest.approx(step.gradient_norm, rel=1e-6)


class TestReleaseAnswers:
    def test_is_fenced(self, run: RunClient, channel: grpc.Channel) -> None:
        RunClient(channel, Path(run.base), attempt="attempt-2")
        with refused(STATUS.FAILED_PRECONDITION, "stale"):
            run.models.ReleaseAnswers(models.ReleaseAnswersRequest(mutation=run.mutation()))

    def test_counts_what_is_left(self, run: RunClient) -> None:
        ref = run.create()
        run.result(
            run.trainer.ForwardBackward,
            run.gradient_request(ref, batch=common.BatchInput(rows=ROWS, keep_as="rows")),
        )
        answer = run.models.ReleaseAnswers(models.ReleaseAnswersRequest(mutation=run.mutation()))
        assert (answer.answers_left, answer.batches_left) == (2, 1)
