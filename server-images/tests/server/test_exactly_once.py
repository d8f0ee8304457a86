"""Every gradient that was accepted is in the weights once, in whatever order calls, repeats and releases come."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import torch
from device import DEVICE
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from server_client import ROWS, SPAN_TOKENS, RunClient, busy, refused

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import AdamW, Batch, CrossEntropy, Head, LoraShape, ModelLoss
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.server import BoundServer

STATUS = grpc.StatusCode
MODELS = ("policy", "other")
IDS = ("a", "b", "c")
BATCH = Batch(
    *(torch.tensor(list(part)) for part in (ROWS.token_ids, ROWS.row_lengths, ROWS.span_starts, ROWS.span_lengths))
)


def loss(ref: common.ModelRef, weight: float = 1.0) -> training.ModelLoss:
    return training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[weight] * SPAN_TOKENS))


def gradient(run: RunClient, request_id: str, *losses: training.ModelLoss) -> training.ForwardBackwardRequest:
    return training.ForwardBackwardRequest(
        mutation=run.mutation(request_id), batch=common.BatchInput(rows=ROWS), losses=losses
    )


def release(run: RunClient, *request_ids: str) -> None:
    run.models.ReleaseAnswers(models.ReleaseAnswersRequest(mutation=run.mutation(), request_ids=request_ids))


def forward_backward(run: RunClient, request: training.ForwardBackwardRequest) -> Any:
    return run.result(run.trainer.ForwardBackward, request)


def step(run: RunClient, ref: common.ModelRef, *ids: str, request_id: str | None = None) -> common.ModelRef:
    answer = run.trainer.OptimizerStep(run.step_request(ref, ids, mutation=run.mutation(request_id)))
    return common.ModelRef(model=ref.model, version=answer.version)


class TestAReleasedGradient:
    """Its answer is gone, and its gradient is not."""

    def test_is_refused_and_counts_once(self, run: RunClient) -> None:
        once = run.create("once")
        once = step(run, once, run.add_gradients(once))
        ref = run.create()
        forward_backward(run, gradient(run, "x", loss(ref)))
        release(run, "x")
        with refused(STATUS.FAILED_PRECONDITION, "'x' are accumulated on policy already", "released"):
            forward_backward(run, gradient(run, "x", loss(ref)))
        assert step(run, ref, "x").version.weights_hash == once.version.weights_hash

    def test_is_refused_for_another_model_too(self, run: RunClient) -> None:
        policy, other = run.create(), run.create("other")
        forward_backward(run, gradient(run, "x", loss(policy)))
        release(run, "x")
        with refused(STATUS.FAILED_PRECONDITION, "accumulated on policy"):
            forward_backward(run, gradient(run, "x", loss(other)))

    def test_of_two_models_is_refused_until_both_have_stepped(self, run: RunClient) -> None:
        policy, other = run.create(), run.create("other")
        forward_backward(run, gradient(run, "x", loss(policy), loss(other)))
        policy = step(run, policy, "x")
        release(run, "x")
        with refused(STATUS.FAILED_PRECONDITION, "accumulated on other already"):
            forward_backward(run, gradient(run, "x", loss(policy), loss(other)))
        other = step(run, other, "x")
        forward_backward(run, gradient(run, "x", loss(policy), loss(other)))

    def test_released_on_its_way_is_refused(self, run: RunClient, bound: BoundServer) -> None:
        ref = run.create()
        request = gradient(run, "x", loss(ref))
        with busy(bound):
            first = run.trainer.ForwardBackward(request)
            next(first)  # it has arrived: this is its first progress message
            release(run, "x")
            second = run.trainer.ForwardBackward(request)
            next(second)
        assert list(first)[-1].HasField("result")
        with refused(STATUS.FAILED_PRECONDITION, "accumulated on policy already"):
            list(second)

    def test_is_free_again_after_a_restore(self, run: RunClient) -> None:
        ref = run.create()
        checkpoint = run.save([ref])
        forward_backward(run, gradient(run, "x", loss(ref)))
        release(run, "x")
        [ref] = run.restore(checkpoint)
        with refused(STATUS.FAILED_PRECONDITION, "missing or failed: x"):
            step(run, ref, "x")
        forward_backward(run, gradient(run, "x", loss(ref)))
        step(run, ref, "x")

    def test_is_free_again_with_another_model_of_that_name(self, run: RunClient) -> None:
        forward_backward(run, gradient(run, "x", loss(run.create())))
        release(run, "x")
        run.models.DeleteModel(models.DeleteModelRequest(mutation=run.mutation(), model="policy"))
        ref = run.create()
        with refused(STATUS.FAILED_PRECONDITION, "missing or failed: x"):
            step(run, ref, "x")
        forward_backward(run, gradient(run, "x", loss(ref)))
        assert step(run, ref, "x").version.optimizer_step == 1


class TestARepeatAfterARelease:
    """Other calls are refused by what they expect of the state."""

    def test_of_a_step(self, run: RunClient) -> None:
        ref = run.create()
        x = run.add_gradients(ref)
        step(run, ref, x, request_id="s")
        release(run, "s", x)
        with refused(STATUS.FAILED_PRECONDITION, "optimiser step 1"):
            step(run, ref, x, request_id="s")

    def test_of_a_gradient_that_was_stepped_on(self, run: RunClient) -> None:
        ref = run.create()
        forward_backward(run, gradient(run, "x", loss(ref)))
        step(run, ref, "x")
        release(run, "x")
        with refused(STATUS.FAILED_PRECONDITION, "optimiser step 1"):
            forward_backward(run, gradient(run, "x", loss(ref)))

    def test_of_a_creation(self, run: RunClient) -> None:
        request = run.create_request()
        run.result(run.models.CreateModel, request)
        release(run, request.mutation.request_id)
        with refused(STATUS.ALREADY_EXISTS, "'policy'"):
            run.result(run.models.CreateModel, request)

    def test_of_a_save_answers_what_is_on_the_disk(self, run: RunClient) -> None:
        ref = run.create()
        request = models.SaveCheckpointRequest(mutation=run.mutation(), uri="checkpoints/one", models=[ref])
        saved = run.result(run.models.SaveCheckpoint, request)
        release(run, request.mutation.request_id)
        run.step(ref)
        assert run.result(run.models.SaveCheckpoint, request) == saved

    def test_of_a_restore_opens_a_generation(self, run: RunClient) -> None:
        checkpoint = run.save([run.create()])
        request = models.RestoreCheckpointRequest(mutation=run.mutation(), checkpoint=checkpoint)
        [first] = run.result(run.models.RestoreCheckpoint, request).models
        x = run.add_gradients(first)
        release(run, request.mutation.request_id)
        [second] = run.result(run.models.RestoreCheckpoint, request).models
        assert second.version.generation == first.version.generation + 1
        with refused(STATUS.FAILED_PRECONDITION, "generation"):
            step(run, first, x)
        with refused(STATUS.FAILED_PRECONDITION, "missing or failed"):
            step(run, second, x)

    def test_of_rollouts_gives_the_same(self, run: RunClient) -> None:
        request = run.sample_request(run.create())
        first = run.answers(run.sampler.SampleRollouts, request)
        release(run, *IDS)
        assert run.answers(run.sampler.SampleRollouts, request) == first


def new_model(engine: Engine, base: Path) -> Model:
    lora = LoraShape(rank=2, alpha=4.0, last_blocks=2)
    return engine.create_model(name="policy", base=base, lora=lora, head=Head.LANGUAGE_MODEL, trainable=True, seed=7)


def test_a_pass_is_in_no_model_until_it_is_accumulated(tiny_llama_folder: Path) -> None:
    """What the server does between the two may fail: the same call, sent again, counts once."""
    engine = Engine(DEVICE)
    model = new_model(engine, tiny_llama_folder)
    losses = [ModelLoss(model, CrossEntropy(torch.ones(SPAN_TOKENS)))]
    engine.gradient_pass(BATCH, losses, lambda _done, _total: None)
    assert model.gradients == {}
    done = engine.gradient_pass(BATCH, losses, lambda _done, _total: None)
    done.accumulate()
    once = {name: gradient.clone() for name, gradient in model.gradients.items()}
    engine.discard_gradients(model)
    engine.forward_backward(BATCH, losses, lambda _done, _total: None)
    assert all(torch.equal(once[name], gradient) for name, gradient in model.gradients.items())


@dataclass
class Mirror:
    """What a model must be: computed by an engine of the test's own, from what was accepted."""

    model: Model
    ref: common.ModelRef
    accumulated: set[str] = field(default_factory=set)
    saved: tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], int] | None = None


RUN_NUMBERS = itertools.count()
ids = st.sampled_from(IDS)
names = st.sampled_from(MODELS)


class AnyOrder(RuleBasedStateMachine):
    """Calls, repeats and releases in any order, with few ids so that they meet again and again."""

    channel: grpc.Channel
    base: Path
    engine: Engine

    @initialize()
    def start(self) -> None:
        self.run = RunClient(self.channel, self.base, f"run-{next(RUN_NUMBERS)}")
        self.stored: dict[str, bytes] = {}
        """The payload of every answer that the server still has."""
        self.mirrors = {name: self.created(name) for name in MODELS}
        self.checkpoint: common.CheckpointRef | None = None

    def created(self, name: str) -> Mirror:
        return Mirror(new_model(self.engine, self.base), self.run.create(name))

    def outcome(self, request_id: str, payload: bytes, refusal: grpc.StatusCode | None) -> grpc.StatusCode | None:
        """How the call must end: None if it is done now, OK if a stored answer is given."""
        if request_id not in self.stored:
            return refusal
        return STATUS.OK if self.stored[request_id] == payload else STATUS.INVALID_ARGUMENT

    @rule(request_id=ids, on=st.sets(names, min_size=1), weight=st.sampled_from([1.0, 0.5]), is_stale=st.booleans())
    def gradient(self, request_id: str, on: set[str], weight: float, is_stale: bool) -> None:
        refs = [self.mirrors[name].ref for name in sorted(on)]
        if is_stale:
            stale = common.ModelRef()
            stale.CopyFrom(refs[-1])
            stale.version.optimizer_step += 1
            refs[-1] = stale
        request = gradient(self.run, request_id, *(loss(ref, weight) for ref in refs))
        counted = any(request_id in mirror.accumulated for mirror in self.mirrors.values())
        payload = request.SerializeToString(deterministic=True)
        expected = self.outcome(request_id, payload, STATUS.FAILED_PRECONDITION if counted or is_stale else None)
        if expected not in (None, STATUS.OK):
            with refused(expected):
                forward_backward(self.run, request)
            return
        forward_backward(self.run, request)
        if expected is STATUS.OK:
            return
        self.stored[request_id] = payload
        # One pass, as the server makes it.
        mirrors = [self.mirrors[name] for name in sorted(on)]
        losses = [ModelLoss(mirror.model, CrossEntropy(torch.full((SPAN_TOKENS,), weight))) for mirror in mirrors]
        self.engine.forward_backward(BATCH, losses, lambda _done, _total: None)
        for mirror in mirrors:
            mirror.accumulated.add(request_id)

    @rule(request_id=ids, name=names, named=st.one_of(st.none(), st.lists(ids, min_size=1, max_size=3)))
    def step(self, request_id: str, name: str, named: list[str] | None) -> None:
        """named: None for what the step should name."""
        mirror = self.mirrors[name]
        expects = sorted(mirror.accumulated) if named is None else named
        request = self.run.step_request(mirror.ref, expects, mutation=self.run.mutation(request_id))
        payload = request.SerializeToString(deterministic=True)
        if not expects or len(set(expects)) < len(expects):
            expected: grpc.StatusCode | None = STATUS.INVALID_ARGUMENT
        else:
            fits = set(expects) == mirror.accumulated
            expected = self.outcome(request_id, payload, None if fits else STATUS.FAILED_PRECONDITION)
        if expected is STATUS.OK:
            self.run.trainer.OptimizerStep(request)
        elif expected is not None:
            with refused(expected):
                self.run.trainer.OptimizerStep(request)
        else:
            answer = self.run.trainer.OptimizerStep(request)
            self.stored[request_id] = payload
            self.engine.optimizer_step(mirror.model, AdamW(0.01, 0.9, 0.95, 1e-8, 0.0), 1.0)
            assert answer.version.weights_hash == mirror.model.weights_hash()
            assert answer.version.optimizer_step == mirror.model.optimizer_step
            mirror.ref = common.ModelRef(model=name, version=answer.version)
            mirror.accumulated.clear()

    @rule(released=st.lists(ids, min_size=1, max_size=3))
    def release(self, released: list[str]) -> None:
        release(self.run, *released)
        for request_id in released:
            self.stored.pop(request_id, None)

    @rule(name=names)
    def make_anew(self, name: str) -> None:
        self.run.models.DeleteModel(models.DeleteModelRequest(mutation=self.run.mutation(), model=name))
        self.mirrors[name] = self.created(name)

    @rule()
    def save(self) -> None:
        self.checkpoint = self.run.save(
            [mirror.ref for mirror in self.mirrors.values()], f"checkpoints/{self.run.run_id}"
        )
        for mirror in self.mirrors.values():
            mirror.saved = (mirror.model.state(), mirror.model.optimizer_state(), mirror.model.optimizer_step)

    @rule(only=st.one_of(st.none(), names))
    def restore(self, only: str | None) -> None:
        """only: one of the models; the gradients of all are dropped."""
        if self.checkpoint is None or any(mirror.saved is None for mirror in self.mirrors.values()):
            return
        wanted = [] if only is None else [models.RestoredModel(saved_name=only, model=only, trainable=True)]
        for ref in self.run.restore(self.checkpoint, *wanted):
            mirror = self.mirrors[ref.model]
            assert mirror.saved is not None
            weights, moments, steps = mirror.saved
            mirror.model.load_state(weights)
            mirror.model.load_optimizer_state(moments)
            mirror.model.optimizer_step = steps
            mirror.ref = ref
        for mirror in self.mirrors.values():
            self.engine.discard_gradients(mirror.model)
            mirror.accumulated.clear()

    @invariant()
    def weights_are_those_of_what_was_accepted(self) -> None:
        for mirror in getattr(self, "mirrors", {}).values():
            assert mirror.ref.version.weights_hash == mirror.model.weights_hash()


def test_in_any_order(channel: grpc.Channel, tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE)
    machine = type("Machine", (AnyOrder,), {"channel": channel, "base": tiny_llama_folder, "engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
