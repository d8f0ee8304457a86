"""Numbers that are not finite get into no checkpoint, and one that has them is named when it is restored."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
import torch
from server_client import ADAMW, RunClient, refused

from drpo_server.checkpoints import write_checkpoint
from drpo_server.engine.group import ALONE
from drpo_server.engine.model import Model
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.server import BoundServer
from drpo_server.storage import RequestIdentity

STATUS = grpc.StatusCode


def adamw(**fields: float) -> training.AdamW:
    changed = training.AdamW()
    changed.CopyFrom(ADAMW)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def held(bound: BoundServer, ref: common.ModelRef) -> Model:
    return bound.services.runs.get("run").find(common.ModelRef(model=ref.model)).model


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"learning_rate": 1e30}, "learning_rate is 1e+30: it must be at most 10"),
        ({"learning_rate": 1e308}, "learning_rate is 1e+308: it must be at most 10"),
        ({"epsilon": 5e-324}, "epsilon is 4.94066e-324: it must be at least 1e-16"),
        ({"epsilon": 1e300}, "epsilon is 1e+300: it must be at most 1"),
        ({"weight_decay": 1e300}, "weight_decay is 1e+300: it must be at most 100"),
        ({"beta1": 1.0}, "beta1 is 1: it must be below 1"),
        ({"learning_rate": float("inf")}, "learning_rate is inf: send a finite number"),
    ],
)
def test_settings_out_of_range_are_malformed(run: RunClient, fields: dict[str, float], part: str) -> None:
    ref = run.create()
    x = run.add_gradients(ref)
    with refused(STATUS.INVALID_ARGUMENT, part):
        run.trainer.OptimizerStep(run.step_request(ref, [x], adamw=adamw(**fields)))
    run.trainer.OptimizerStep(run.step_request(ref, [x]))


def test_a_step_that_would_overflow_is_refused_and_can_be_made_otherwise(run: RunClient) -> None:
    """Each step turns the sign of the weights and makes them 999 times as large, until the next would be too much."""
    ref = run.create()
    x = run.add_gradients(ref)
    with refused(STATUS.ABORTED, "model 'policy': a step of learning rate 10", "left as they were"):
        for _ in range(20):
            step = run.step_request(ref, [x], adamw=adamw(learning_rate=10.0, weight_decay=100.0))
            ref = common.ModelRef(model="policy", version=run.trainer.OptimizerStep(step).version)
            zero = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=[0.0] * 6))
            request = run.gradient_request(ref, losses=[zero])
            run.result(run.trainer.ForwardBackward, request)
            x = request.mutation.request_id
    answer = run.trainer.OptimizerStep(run.step_request(ref, [x]))
    assert answer.version.optimizer_step == ref.version.optimizer_step + 1


def spoil_weight(model: Model) -> None:
    with torch.no_grad():
        list(model.named_parameters().values())[-1].view(-1)[0] = float("inf")
    model.weights_changed()


def spoil_moment(model: Model) -> None:
    next(iter(model.spread_optimizer_state().values())).view(-1)[0] = float("nan")


def spoil_outputs(model: Model) -> None:
    with torch.no_grad():
        for parameter in model.named_parameters().values():
            parameter.fill_(1e18)
    model.weights_changed()


SPOILS = [spoil_weight, spoil_moment, spoil_outputs]


def spoilt(run: RunClient, bound: BoundServer, spoil: Callable[[Model], None]) -> common.ModelRef:
    model = held(bound, run.step(run.create()))
    spoil(model)
    version = bound.services.runs.get("run").models["policy"].version()
    return common.ModelRef(model="policy", version=version)


@pytest.mark.parametrize("spoil", SPOILS)
def test_it_is_not_saved(run: RunClient, bound: BoundServer, spoil: Callable[[Model], None]) -> None:
    ref = spoilt(run, bound, spoil)
    with refused(STATUS.ABORTED, "model 'policy'", "not finite"):
        run.save([ref])
    assert not list(bound.services.storage.folder("checkpoints/one").parent.glob("one*"))


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_an_earlier_version_saved_is_refused_when_it_is_restored(
    run: RunClient, bound: BoundServer, spoil: Callable[[Model], None]
) -> None:
    model = held(bound, spoilt(run, bound, spoil))
    written = write_checkpoint(
        bound.services.storage.writable_folder("checkpoints/old"),
        [model],
        group=ALONE,
        with_optimizer_state=True,
        request=RequestIdentity("run", "earlier", "payload"),
        on_progress=lambda _done, _total: None,
    )
    checkpoint = common.CheckpointRef(uri="checkpoints/old", manifest_hash=written.manifest_hash)
    with refused(STATUS.DATA_LOSS, "checkpoints/old, model 'policy'", "not finite", "take an earlier checkpoint"):
        run.restore(checkpoint)
    # What was there is as it was.
    assert bound.services.runs.get("run").models["policy"].model is model


@pytest.mark.parametrize("temperature", [1e-30, 1e-6, 1e6, 1e30])
def test_temperatures_that_leave_no_number_finite_are_malformed(run: RunClient, temperature: float) -> None:
    ref = run.create()
    output = training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS, temperature=temperature)
    request = training.ForwardRequest(run_id=run.run_id, batch=run.gradient_request(ref).batch, outputs=[output])
    with refused(STATUS.INVALID_ARGUMENT, "temperature is"):
        run.result(run.trainer.Forward, request)


@pytest.mark.parametrize("alpha", [1e-30, 1e30])
def test_scales_of_an_adapter_out_of_range_are_malformed(run: RunClient, alpha: float) -> None:
    with refused(STATUS.INVALID_ARGUMENT, "alpha is"):
        run.create(lora=models.LoraShape(rank=2, alpha=alpha, last_blocks=2))
