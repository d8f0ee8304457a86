"""A batch and every loss on it, each with its equation as trainer_service.proto writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from plain_model import make_batch, prompted_rows, randomised, unshared_rows
from torch import Tensor

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import (
    BradleyTerry,
    ClippedSurrogate,
    ClippedValue,
    CrossEntropy,
    Dpo,
    Head,
    Kl,
    KlEstimator,
    Linear,
    LogRatioDifference,
    LoraShape,
    Loss,
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
PAIR_TARGETS = drawn(5, 8)
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


def span_sums(d: Tensor) -> Tensor:
    return torch.stack([span.sum() for span in d.split(BATCH.span_lengths.tolist())])


def dpo(logp: Tensor) -> Tensor:
    d = span_sums(logp - OLD_LOGPROBS)
    m = 0.05 * (d[PREFERRED] - d[REJECTED])
    return -(PAIR_WEIGHTS * (0.9 * torch.log(torch.sigmoid(m)) + 0.1 * torch.log(torch.sigmoid(-m)))).sum()


def log_ratio_difference(logp: Tensor) -> Tensor:
    d = span_sums(logp - OLD_LOGPROBS)
    return (PAIR_WEIGHTS * 0.5 * (d[PREFERRED] - d[REJECTED] - PAIR_TARGETS) ** 2).sum()


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
    "dpo": (Dpo(OLD_LOGPROBS, PREFERRED, REJECTED, PAIR_WEIGHTS, 0.05, 0.1), Output.LOGPROBS, dpo),
    "log-ratio difference": (
        LogRatioDifference(OLD_LOGPROBS, PREFERRED, REJECTED, PAIR_TARGETS, PAIR_WEIGHTS),
        Output.LOGPROBS,
        log_ratio_difference,
    ),
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
    """A model with the head that computes the output."""
    head = Head.LANGUAGE_MODEL if output is Output.LOGPROBS else Head.SCALAR
    return randomised(
        engine.create_model(name=f"m{seed}", base=folder, lora=lora, head=head, trainable=True, seed=seed), seed
    )


def close(got: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-6) -> None:
    """The same gradients, relative to the largest."""
    assert got.keys() == expected.keys()
    scale = max(float(tensor.abs().max()) for tensor in expected.values())
    assert scale > 0
    for name, tensor in expected.items():
        difference = float((got[name].cpu() - tensor.cpu()).abs().max())
        assert difference <= tolerance * max(scale, 1), name
