"""Every loss against autograd on the equation as trainer_service.proto writes it, on plain Hugging Face and PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from device import DEVICE
from gradient_cases import (
    BATCH,
    F64,
    LOSSES,
    PAIR_WEIGHTS,
    PREFERRED,
    REJECTED,
    ROWS,
    SMALL,
    SPAN,
    WHOLE,
    close,
    make,
)
from plain_model import PlainModel, ignore_progress, make_batch

from drpo_server.engine.engine import Engine
from drpo_server.engine.types import Cancelled, CrossEntropy, Head, LoraShape, Loss, ModelLoss, Output


def test_every_loss_has_an_equation() -> None:
    assert {type(loss) for loss, _, _ in LOSSES.values()} == set(get_args(Loss))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("budget", [WHOLE, SMALL], ids=["whole", "cut"])
def test_gradient_is_that_of_the_equation(tiny_llama_folder: Path, name: str, budget: int) -> None:
    loss, output, equation = LOSSES[name]
    engine = Engine(DEVICE, F64, token_budget=budget)
    model = make(engine, tiny_llama_folder, output, LoraShape(3, 6.0, last_blocks=2))
    (result,) = engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    plain = PlainModel(model)
    x = plain.output(BATCH, output)
    expected = equation(x)
    close(model.gradients, plain.gradients(expected))
    assert result.loss == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)
    asked = result.outputs != 0
    assert asked.any()
    torch.testing.assert_close(result.outputs.double()[asked], x.detach()[asked], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder", "tiny_qwen3_folder"])
@pytest.mark.parametrize("name", ["surrogate", "ranked group", "dpo"])
@pytest.mark.parametrize("shape", [None, LoraShape(2, 4.0)], ids=["full", "lora"])
def test_all_weights_of_every_family_train(
    folder: str, name: str, shape: LoraShape | None, request: pytest.FixtureRequest
) -> None:
    loss, output, equation = LOSSES[name]
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    model = make(engine, request.getfixturevalue(folder), output, shape)
    engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    plain = PlainModel(model)
    close(model.gradients, plain.gradients(equation(plain.output(BATCH, output))))


def test_losses_and_calls_add_up(tiny_llama_folder: Path) -> None:
    """Losses on one model at two temperatures, one that compares rows among them, another model beside it on the same
    trunk, in two calls."""
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    policy = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=2))
    critic = make(engine, tiny_llama_folder, Output.VALUES, LoraShape(2, 6.0, last_blocks=1), seed=2)
    losses = [
        ModelLoss(policy, LOSSES["surrogate"][0]),
        ModelLoss(critic, LOSSES["clipped value"][0]),
        ModelLoss(policy, LOSSES["k3"][0], temperature=0.8),
        ModelLoss(policy, LOSSES["dpo"][0]),
    ]
    kept = engine.keep(BATCH)
    for _ in range(2):
        results = engine.forward_backward(kept, losses, ignore_progress)
    plain, plain_critic = PlainModel(policy), PlainModel(critic)
    logprobs, warm = plain.logprobs(BATCH), plain.logprobs(BATCH, 0.8)
    expected = LOSSES["surrogate"][2](logprobs) + LOSSES["k3"][2](warm) + LOSSES["dpo"][2](logprobs)
    close(policy.gradients, {k: 2 * v for k, v in plain.gradients(expected).items()})
    expected_value = LOSSES["clipped value"][2](plain_critic.values(BATCH))
    close(critic.gradients, {k: 2 * v for k, v in plain_critic.gradients(expected_value).items()})
    assert results[0].loss + results[2].loss + results[3].loss == pytest.approx(expected.item(), rel=1e-6)
    assert results[1].loss == pytest.approx(expected_value.item(), rel=1e-6)


def test_rows_without_weight_are_not_computed(tiny_llama_folder: Path) -> None:
    """A client takes a minibatch of a kept batch by weights of 0."""
    engine = Engine(DEVICE, F64)
    model = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=2))
    tokens: list[int] = []
    model.base.network.blocks[3].register_forward_pre_hook(lambda _, args: tokens.append(args[0].shape[1]))
    row, start, length = ROWS[4]
    weights = torch.zeros(SPAN, dtype=F64)
    first = int(BATCH.span_lengths[:4].sum())
    weights[first : first + length] = 1
    (result,) = engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(weights))], ignore_progress)
    assert tokens == [start + length - 1]
    assert (result.outputs != 0).nonzero().flatten().tolist() == list(range(first, first + length))
    alone = make_batch([(row, start, length)])
    twin = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=2))
    engine.forward_backward(alone, [ModelLoss(twin, CrossEntropy(torch.ones(length)))], ignore_progress)
    close(model.gradients, twin.gradients)


@pytest.mark.parametrize("name", ["bradley-terry", "dpo", "log-ratio difference"])
def test_rows_that_no_comparison_names_are_not_computed(tiny_llama_folder: Path, name: str) -> None:
    """A comparison of weight 0 names none."""
    loss, output, _ = LOSSES[name]
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    model = make(engine, tiny_llama_folder, output, LoraShape(3, 6.0, last_blocks=2))
    (result,) = engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    compared = torch.cat([PREFERRED[PAIR_WEIGHTS != 0], REJECTED[PAIR_WEIGHTS != 0]])
    row_of_entry = torch.arange(len(ROWS))
    if output is Output.LOGPROBS:
        row_of_entry = torch.repeat_interleave(row_of_entry, BATCH.span_lengths)
    assert torch.equal(result.outputs != 0, torch.isin(row_of_entry, compared))


@pytest.mark.parametrize("name", ["surrogate", "bradley-terry", "dpo"])
def test_a_cancelled_pass_leaves_gradients_and_weights(tiny_llama_folder: Path, name: str) -> None:
    loss, output, _ = LOSSES[name]
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    model = make(engine, tiny_llama_folder, output, LoraShape(3, 6.0, last_blocks=2))
    engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    before = {key: gradient.clone() for key, gradient in model.gradients.items()}
    weights = model.weights_hash()

    def stop_late(done: int, total: int) -> None:
        if done > 0.7 * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.forward_backward(BATCH, [ModelLoss(model, loss)], stop_late)
    assert all(torch.equal(model.gradients[key], gradient) for key, gradient in before.items())
    assert model.weights_hash() == weights
    engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    close(model.gradients, {key: 2 * gradient for key, gradient in before.items()}, 1e-12)
    engine.discard_gradients(model)
    assert not model.gradients


def test_a_kept_trunk_does_not_show_in_gradients(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    model = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=1))
    losses = [ModelLoss(model, LOSSES["surrogate"][0])]
    kept = engine.keep(BATCH)
    gradients = []
    for batch in (BATCH, kept, kept):
        engine.forward_backward(batch, losses, ignore_progress)
        gradients.append(model.gradients)
        engine.discard_gradients(model)
    for other in gradients[1:]:
        assert all(torch.equal(gradients[0][key], other[key]) for key in other)


def test_what_does_not_fit_is_refused(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE)
    frozen = engine.create_model(
        name="reference", base=tiny_llama_folder, lora=LoraShape(2, 4.0), head=Head.LANGUAGE_MODEL, trainable=False
    )
    with pytest.raises(ValueError, match="frozen"):
        engine.forward_backward(BATCH, [ModelLoss(frozen, LOSSES["k1"][0])], ignore_progress)
    model = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(2, 4.0))
    with pytest.raises(ValueError, match="no values"):
        engine.forward_backward(BATCH, [ModelLoss(model, LOSSES["clipped value"][0])], ignore_progress)
    with pytest.raises(ValueError, match="weights"):
        engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(torch.ones(3)))], ignore_progress)
