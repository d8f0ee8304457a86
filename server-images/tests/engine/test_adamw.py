"""The optimiser step against torch.optim.AdamW on the same gradients."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from device import DEVICE
from plain_model import ignore_progress, make_batch, prompted_rows, randomised

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import AdamW, CrossEntropy, Head, Linear, LoraShape, ModelLoss, Output

BATCH = make_batch(prompted_rows(5))
SPAN = int(BATCH.span_lengths.sum())


@pytest.fixture
def engine() -> Engine:
    return Engine(DEVICE, torch.float64)


@pytest.fixture
def model(engine: Engine, tiny_llama_folder: Path) -> Model:
    return randomised(
        engine.create_model(
            name="policy",
            base=tiny_llama_folder,
            lora=LoraShape(3, 6.0, last_blocks=2),
            head=Head.LANGUAGE_MODEL,
            trainable=True,
        )
    )


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_steps_are_those_of_torch(engine: Engine, model: Model, clip: float) -> None:
    """Three steps at changing rates."""
    twin = {name: torch.nn.Parameter(tensor) for name, tensor in model.state().items()}
    reference = torch.optim.AdamW(twin.values(), lr=1.0, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1, foreach=False)
    for step, rate in enumerate((1e-2, 5e-3, 2e-2), start=1):
        engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(torch.ones(SPAN)))], ignore_progress)
        for name, parameter in twin.items():
            parameter.grad = model.gradients[name].to("cpu", copy=True)
        expected_norm = torch.linalg.vector_norm(torch.cat([g.flatten() for g in model.gradients.values()]))
        if clip:
            torch.nn.utils.clip_grad_norm_(twin.values(), clip)
        reference.param_groups[0]["lr"] = rate
        reference.step()
        norm = engine.optimizer_step(model, AdamW(rate, 0.8, 0.95, 1e-6, 0.1), clip)
        assert norm == pytest.approx(float(expected_norm), rel=1e-9)
        assert norm > 0.5
        for name, tensor in model.state().items():
            torch.testing.assert_close(tensor, twin[name].detach(), rtol=0, atol=1e-12)
        assert model.optimizer_step == step
        assert not model.gradients


def test_a_step_without_gradients_is_refused(engine: Engine, model: Model) -> None:
    with pytest.raises(ValueError, match="no accumulated gradients"):
        engine.optimizer_step(model, AdamW(1e-2, 0.9, 0.99, 1e-8, 0.0), 0.0)


def test_gradients_that_are_not_finite_leave_weights_and_moments(engine: Engine, model: Model) -> None:
    coefficients = torch.ones(SPAN)
    coefficients[3] = float("inf")
    engine.forward_backward(BATCH, [ModelLoss(model, Linear(Output.LOGPROBS, coefficients))], ignore_progress)
    before = model.weights_hash()
    with pytest.raises(FloatingPointError):
        engine.optimizer_step(model, AdamW(1e-2, 0.9, 0.99, 1e-8, 0.0), 1.0)
    model.weights_changed()
    assert model.weights_hash() == before
    assert model.optimizer_step == 0
    assert model.optimizer_state() == {}
    assert model.gradients


def test_a_pass_whose_weights_are_all_zero_gives_zero_gradients(engine: Engine, model: Model) -> None:
    engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(torch.zeros(SPAN)))], ignore_progress)
    assert engine.optimizer_step(model, AdamW(1e-2, 0.9, 0.99, 1e-8, 0.0), 1.0) == 0
