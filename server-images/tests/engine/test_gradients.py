"""Every loss against autograd on the equation as trainer_service.proto writes it, on plain Hugging Face and PEFT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from plain_model import PlainModel, ignore_progress, make_batch, prompted_rows, randomised, unshared_rows
from torch import Tensor

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import (
    BradleyTerry,
    Cancelled,
    ClippedSurrogate,
    ClippedValue,
    CrossEntropy,
    Head,
    Kl,
    KlEstimator,
    Linear,
    LoraShape,
    Loss,
    ModelLoss,
    Output,
    RankedGroup,
    SquaredError,
)

F64 = torch.float64
ROWS = prompted_rows(9, seed=2) + unshared_rows(3, seed=3)
BATCH = make_batch(ROWS)
SPAN = int(BATCH.span_lengths.sum())
ROW_COUNT = len(ROWS)
WHOLE, SMALL = 10_000, 40
"""Token budgets: one micro-batch, several."""


def drawn(count: int, seed: int) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=F64)


WEIGHTS = drawn(SPAN, 1).abs() * (drawn(SPAN, 2) > -0.7)
ADVANTAGES, TARGETS = drawn(SPAN, 3), drawn(SPAN, 4)
OLD_LOGPROBS = -4 + 0.3 * drawn(SPAN, 5)
ROW_WEIGHTS, ROW_TARGETS = drawn(ROW_COUNT, 6).abs(), drawn(ROW_COUNT, 7)
PREFERRED, REJECTED = torch.tensor([0, 3, 11, 5, 0]), torch.tensor([1, 2, 4, 6, 7])
PAIR_WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.0, 0.3], dtype=F64)
GROUPS = torch.tensor([5, 4, 3])
RATINGS = torch.tensor([1.0, 2, 2, -1, 0, 3, 3, 3, 1, 0, 1, 2])
GROUP_WEIGHTS = torch.tensor([0.2, 1.0, 0.0], dtype=F64)


def ranked_group(s: Tensor) -> Tensor:
    total = torch.zeros((), dtype=F64)
    start = 0
    for size, weight in zip(GROUPS.tolist(), GROUP_WEIGHTS, strict=True):
        for i in range(start, start + size):
            for j in range(start, start + size):
                if RATINGS[i] > RATINGS[j]:
                    total = total - weight * torch.log(torch.sigmoid(s[i] - s[j]))
        start += size
    return total


def surrogate(logp: Tensor) -> Tensor:
    ratio = torch.exp(logp - OLD_LOGPROBS)
    return -(WEIGHTS * torch.min(ratio * ADVANTAGES, torch.clip(ratio, 1 - 0.1, 1 + 0.3) * ADVANTAGES)).sum()


def clipped_value(v: Tensor) -> Tensor:
    clipped = torch.max(torch.min(v, TARGETS + 0.2), TARGETS - 0.2)
    return (WEIGHTS * 0.5 * torch.max((v - ADVANTAGES) ** 2, (clipped - ADVANTAGES) ** 2)).sum()


def bradley_terry(s: Tensor) -> Tensor:
    return -(PAIR_WEIGHTS * torch.log(torch.sigmoid(s[PREFERRED] - s[REJECTED]))).sum()


def kl(estimate: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda logp: (WEIGHTS * estimate(logp - OLD_LOGPROBS)).sum()


Equation = Callable[[Tensor], Tensor]
LOSSES: dict[str, tuple[Loss, Output, Equation]] = {
    "cross-entropy": (CrossEntropy(WEIGHTS), Output.LOGPROBS, lambda x: -(WEIGHTS * x).sum()),
    "surrogate": (ClippedSurrogate(OLD_LOGPROBS, ADVANTAGES, WEIGHTS, 0.1, 0.3), Output.LOGPROBS, surrogate),
    "clipped value": (ClippedValue(TARGETS, ADVANTAGES, WEIGHTS, 0.2), Output.VALUES, clipped_value),
    "unclipped value": (
        ClippedValue(TARGETS, ADVANTAGES, WEIGHTS, 0.0),
        Output.VALUES,
        lambda v: (WEIGHTS * 0.5 * (v - ADVANTAGES) ** 2).sum(),
    ),
    "bradley-terry": (BradleyTerry(PREFERRED, REJECTED, PAIR_WEIGHTS), Output.SCORES, bradley_terry),
    "ranked group": (RankedGroup(GROUPS, RATINGS, GROUP_WEIGHTS), Output.SCORES, ranked_group),
    "squared error of values": (
        SquaredError(Output.VALUES, TARGETS, WEIGHTS),
        Output.VALUES,
        lambda v: (WEIGHTS * 0.5 * (v - TARGETS) ** 2).sum(),
    ),
    "squared error of scores": (
        SquaredError(Output.SCORES, ROW_TARGETS, ROW_WEIGHTS),
        Output.SCORES,
        lambda s: (ROW_WEIGHTS * 0.5 * (s - ROW_TARGETS) ** 2).sum(),
    ),
    "k1": (Kl(OLD_LOGPROBS, WEIGHTS, KlEstimator.K1), Output.LOGPROBS, kl(lambda d: d)),
    "k2": (Kl(OLD_LOGPROBS, WEIGHTS, KlEstimator.K2), Output.LOGPROBS, kl(lambda d: d * d / 2)),
    "k3": (Kl(OLD_LOGPROBS, WEIGHTS, KlEstimator.K3), Output.LOGPROBS, kl(lambda d: torch.exp(-d) - 1 + d)),
    "linear in log-probs": (Linear(Output.LOGPROBS, TARGETS), Output.LOGPROBS, lambda x: (TARGETS * x).sum()),
    "linear in values": (Linear(Output.VALUES, TARGETS), Output.VALUES, lambda x: (TARGETS * x).sum()),
    "linear in scores": (Linear(Output.SCORES, ROW_TARGETS), Output.SCORES, lambda x: (ROW_TARGETS * x).sum()),
}


def make(engine: Engine, folder: Path, output: Output, lora: LoraShape | None, seed: int = 1) -> Model:
    head = Head.LANGUAGE_MODEL if output is Output.LOGPROBS else Head.SCALAR
    return randomised(
        engine.create_model(name=f"m{seed}", base=folder, lora=lora, head=head, trainable=True, seed=seed), seed
    )


def plain_output(plain: PlainModel, output: Output) -> Tensor:
    match output:
        case Output.LOGPROBS:
            return plain.logprobs(BATCH)
        case Output.VALUES:
            return plain.values(BATCH)
        case _:
            return plain.scores(BATCH)


def close(got: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-6) -> None:
    assert got.keys() == expected.keys()
    scale = max(float(tensor.abs().max()) for tensor in expected.values())
    assert scale > 0
    for name, tensor in expected.items():
        difference = float((got[name] - tensor).abs().max())
        assert difference <= tolerance * max(scale, 1), name


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("budget", [WHOLE, SMALL], ids=["whole", "cut"])
def test_gradient_is_that_of_the_equation(tiny_llama_folder: Path, name: str, budget: int) -> None:
    loss, output, equation = LOSSES[name]
    engine = Engine(torch.device("cpu"), F64, token_budget=budget)
    model = make(engine, tiny_llama_folder, output, LoraShape(3, 6.0, last_blocks=2))
    (result,) = engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    plain = PlainModel(model)
    x = plain_output(plain, output)
    expected = equation(x)
    close(model.gradients, plain.gradients(expected))
    assert result.loss == pytest.approx(float(expected), rel=1e-6, abs=1e-6)
    asked = result.outputs != 0
    assert asked.any()
    torch.testing.assert_close(result.outputs.double()[asked], x.detach()[asked], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder", "tiny_qwen3_folder"])
@pytest.mark.parametrize("name", ["surrogate", "ranked group"])
@pytest.mark.parametrize("shape", [None, LoraShape(2, 4.0)], ids=["full", "lora"])
def test_all_weights_of_every_family_train(
    folder: str, name: str, shape: LoraShape | None, request: pytest.FixtureRequest
) -> None:
    loss, output, equation = LOSSES[name]
    engine = Engine(torch.device("cpu"), F64, token_budget=SMALL)
    model = make(engine, request.getfixturevalue(folder), output, shape)
    engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    plain = PlainModel(model)
    close(model.gradients, plain.gradients(equation(plain_output(plain, output))))


def test_losses_and_calls_add_up(tiny_llama_folder: Path) -> None:
    """Two losses on one model at two temperatures, another model beside it on the same trunk, in two calls."""
    engine = Engine(torch.device("cpu"), F64, token_budget=SMALL)
    policy = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=2))
    critic = make(engine, tiny_llama_folder, Output.VALUES, LoraShape(2, 6.0, last_blocks=1), seed=2)
    losses = [
        ModelLoss(policy, LOSSES["surrogate"][0]),
        ModelLoss(critic, LOSSES["clipped value"][0]),
        ModelLoss(policy, LOSSES["k3"][0], temperature=0.8),
    ]
    kept = engine.keep(BATCH)
    for _ in range(2):
        results = engine.forward_backward(kept, losses, ignore_progress)
    plain, plain_critic = PlainModel(policy), PlainModel(critic)
    expected = surrogate(plain.logprobs(BATCH)) + LOSSES["k3"][2](plain.logprobs(BATCH, 0.8))
    close(policy.gradients, {k: 2 * v for k, v in plain.gradients(expected).items()})
    expected_value = clipped_value(plain_critic.values(BATCH))
    close(critic.gradients, {k: 2 * v for k, v in plain_critic.gradients(expected_value).items()})
    assert results[0].loss + results[2].loss == pytest.approx(float(expected), rel=1e-6)
    assert results[1].loss == pytest.approx(float(expected_value), rel=1e-6)


def test_the_cut_does_not_show_in_gradients(tiny_llama_folder: Path) -> None:
    found: list[dict[str, Tensor]] = []
    for budget in (WHOLE, SMALL, 1):
        engine = Engine(torch.device("cpu"), F64, token_budget=budget)
        model = make(engine, tiny_llama_folder, Output.LOGPROBS, LoraShape(3, 6.0, last_blocks=2))
        engine.forward_backward(BATCH, [ModelLoss(model, LOSSES["surrogate"][0])], ignore_progress)
        found.append(model.gradients)
    close(found[1], found[0])
    close(found[2], found[0])


def test_rows_without_weight_are_not_computed(tiny_llama_folder: Path) -> None:
    """A client takes a minibatch of a kept batch by weights of 0."""
    engine = Engine(torch.device("cpu"), F64)
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


@pytest.mark.parametrize("name", ["surrogate", "bradley-terry"])
def test_a_cancelled_pass_leaves_gradients_and_weights(tiny_llama_folder: Path, name: str) -> None:
    loss, output, _ = LOSSES[name]
    engine = Engine(torch.device("cpu"), F64, token_budget=SMALL)
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
    engine = Engine(torch.device("cpu"), F64, token_budget=SMALL)
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
    engine = Engine(torch.device("cpu"))
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
