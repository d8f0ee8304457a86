"""Writes tests/golden/losses.json and tests/golden/math.json: what the losses of trainer_service.proto and functions of
src/math should give, found by a program that shares no code with either (PyTorch's autograd on the equations in
float64, PyTorch's own schedulers and statistics, sums written out).

    python scripts/make-golden-vectors.py            write them
    python scripts/make-golden-vectors.py --check    exit 1 if what is committed differs by more than rounding

Names of fields are those of src/ports/trainer.ts and src/math, so that both sides read the files as they are.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
RELATIVE_TOLERANCE = 1e-9
"""Machines round the last digits of exp and log in different ways."""

Case = dict[str, Any]


def tensor(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def drawn(seed: int, count: int, low: float, high: float) -> list[float]:
    """Short decimals, the same on every machine."""
    draw = random.Random(seed)
    return [round(draw.uniform(low, high), 3) for _ in range(count)]


# --- Losses. Each equation is that of the proto file; x is logp, v or s. ---


def log_sigmoid(m: Tensor) -> Tensor:
    """ln(1 / (1 + exp(-m)))."""
    return -torch.logaddexp(torch.zeros_like(m), -m)


def log_ratio_sums(x: Tensor, given: Sequence[float], span_lengths: Sequence[int]) -> list[Tensor]:
    """d of each row."""
    ends = list(itertools.accumulate(span_lengths))
    return [
        (x[end - length : end] - tensor(given[end - length : end])).sum()
        for end, length in zip(ends, span_lengths, strict=True)
    ]


def cross_entropy(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    return -(tensor(loss["weights"]) * x).sum()


def clipped_surrogate(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    ratio, advantages = torch.exp(x - tensor(loss["oldLogprobs"])), tensor(loss["advantages"])
    clipped = ratio.clip(1 - loss["clipLow"], 1 + loss["clipHigh"])
    return -(tensor(loss["weights"]) * torch.min(ratio * advantages, clipped * advantages)).sum()


def clipped_value(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    old, returns, reach = tensor(loss["oldValues"]), tensor(loss["returns"]), loss["clipRange"]
    clipped = torch.max(torch.min(x, old + reach), old - reach) if reach > 0 else x
    return (tensor(loss["weights"]) / 2 * torch.max((x - returns) ** 2, (clipped - returns) ** 2)).sum()


def squared_error(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    return (tensor(loss["weights"]) / 2 * (x - tensor(loss["targets"])) ** 2).sum()


def kl(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    d = x - tensor(loss["referenceLogprobs"])
    estimate = {"k1": d, "k2": d * d / 2, "k3": torch.exp(-d) - 1 + d}[loss["estimator"]]
    return (tensor(loss["weights"]) * estimate).sum()


def linear(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    return tensor(loss["coefficients"]).dot(x)


def bradley_terry(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    comparisons = zip(loss["weights"], loss["preferredRows"], loss["rejectedRows"], strict=True)
    return -sum((weight * log_sigmoid(x[i] - x[j]) for weight, i, j in comparisons), x.new_zeros(()))


def ranked_group(loss: Case, x: Tensor, _: Sequence[int]) -> Tensor:
    group_of_row = [group for group, size in enumerate(loss["groupSizes"]) for _ in range(size)]
    total = x.new_zeros(())
    for i, j in itertools.permutations(range(len(group_of_row)), 2):
        if group_of_row[i] == group_of_row[j] and loss["ratings"][i] > loss["ratings"][j]:
            total = total - loss["weights"][group_of_row[i]] * log_sigmoid(x[i] - x[j])
    return total


def dpo(loss: Case, x: Tensor, span_lengths: Sequence[int]) -> Tensor:
    d = log_ratio_sums(x, loss["referenceLogprobs"], span_lengths)
    total, smoothing = x.new_zeros(()), loss["labelSmoothing"]
    for weight, i, j in zip(loss["weights"], loss["preferredRows"], loss["rejectedRows"], strict=True):
        m = loss["beta"] * (d[i] - d[j])
        total = total - weight * ((1 - smoothing) * log_sigmoid(m) + smoothing * log_sigmoid(-m))
    return total


def log_ratio_difference(loss: Case, x: Tensor, span_lengths: Sequence[int]) -> Tensor:
    d = log_ratio_sums(x, loss["baseLogprobs"], span_lengths)
    pairs = zip(loss["weights"], loss["firstRows"], loss["secondRows"], loss["targets"], strict=True)
    return sum((weight / 2 * (d[i] - d[j] - target) ** 2 for weight, i, j, target in pairs), x.new_zeros(()))


EQUATIONS: dict[str, Callable[[Case, Tensor, Sequence[int]], Tensor]] = {
    "crossEntropy": cross_entropy,
    "clippedSurrogate": clipped_surrogate,
    "clippedValue": clipped_value,
    "squaredError": squared_error,
    "kl": kl,
    "linear": linear,
    "bradleyTerry": bradley_terry,
    "rankedGroup": ranked_group,
    "dpo": dpo,
    "logRatioDifference": log_ratio_difference,
}

SPAN_LENGTHS = [3, 1, 0, 2, 4]
TOKENS, ROWS = sum(SPAN_LENGTHS), len(SPAN_LENGTHS)
WEIGHTS = [1.0, 0.5, 0.0, 2.0, 0.25, 1.0, 0.0, 1.5, 0.125, 1.0]
LOGPROBS = drawn(1, TOKENS, -6, -0.05)
NEAR_LOGPROBS = [round(x + change, 3) for x, change in zip(LOGPROBS, drawn(2, TOKENS, -1, 1), strict=True)]
UNEVEN = drawn(3, TOKENS, -2, 2)
ROW_NUMBERS, ROW_TARGETS, ROW_WEIGHTS = drawn(4, ROWS, -2, 2), drawn(5, ROWS, -2, 2), [1.0, 0.0, 2.0, 0.5, 1.0]


def loss_case(name: str, loss: Case, x: list[float], span_lengths: Sequence[int] = SPAN_LENGTHS) -> Case:
    at = tensor(x).requires_grad_()
    total = EQUATIONS[loss["kind"]](loss, at, span_lengths)
    (gradients,) = torch.autograd.grad(total, at)
    return {
        "name": name,
        "loss": loss,
        "spanLengths": list(span_lengths),
        "x": x,
        "value": total.item(),
        "gradients": gradients.tolist(),
    }


def clip_grid(changes: Sequence[float], directions: Sequence[float]) -> tuple[list[float], list[float], list[float]]:
    """Every change of x with every advantage, or every distance of the return, around drawn old numbers."""
    pairs = list(itertools.product(changes, directions))
    old = drawn(6, len(pairs), -4, -1)
    x = [round(before + change, 3) for before, (change, _) in zip(old, pairs, strict=True)]
    return x, old, [direction for _, direction in pairs]


def loss_cases() -> list[Case]:
    cases = [loss_case("cross-entropy with a weight of 0", {"kind": "crossEntropy", "weights": WEIGHTS}, LOGPROBS)]

    x, old, advantages = clip_grid((-0.6, -0.05, 0.0, 0.05, 0.6), (1.3, 0.0, -0.7))
    for name, low, high, weights in (
        ("clipped on both sides and for both signs of the advantage", 0.2, 0.2, [1.0] * len(x)),
        ("other clips below and above, uneven weights", 0.3, 0.1, drawn(7, len(x), 0, 2)),
        ("nothing weighed", 0.2, 0.2, [0.0] * len(x)),
    ):
        clips = {"clipLow": low, "clipHigh": high}
        loss = {"kind": "clippedSurrogate", "oldLogprobs": old, "advantages": advantages, "weights": weights, **clips}
        cases.append(loss_case(f"surrogate: {name}", loss, x, [len(x)]))

    x, old, distances = clip_grid((-0.5, -0.1, 0.0, 0.1, 0.5), (-1.0, 0.05, 1.0))
    returns = [round(before + distance, 3) for before, distance in zip(old, distances, strict=True)]
    for name, clip_range in (("values inside and outside the clip range", 0.2), ("values without a clip range", 0.0)):
        weights = [*drawn(8, len(x) - 1, 0, 2), 0.0]
        loss = {"kind": "clippedValue", "oldValues": old, "returns": returns, "weights": weights}
        cases.append(loss_case(name, {**loss, "clipRange": clip_range}, x, [len(x)]))

    cases += [
        loss_case(
            "squared error of values",
            {"kind": "squaredError", "output": "values", "targets": LOGPROBS, "weights": WEIGHTS},
            UNEVEN,
        ),
        loss_case(
            "squared error of scores",
            {"kind": "squaredError", "output": "scores", "targets": ROW_TARGETS, "weights": ROW_WEIGHTS},
            ROW_NUMBERS,
        ),
        loss_case("linear in log-probs", {"kind": "linear", "output": "logprobs", "coefficients": UNEVEN}, LOGPROBS),
        loss_case("linear in values", {"kind": "linear", "output": "values", "coefficients": WEIGHTS}, UNEVEN),
        loss_case("linear in scores", {"kind": "linear", "output": "scores", "coefficients": ROW_TARGETS}, ROW_NUMBERS),
    ]

    x = [*LOGPROBS[:5], -1.0, -2.0, -2.0, -0.01, -9.0]
    reference = [*NEAR_LOGPROBS[:5], -1.0, -2.01, -1.99, -9.0, -0.01]
    for estimator in ("k1", "k2", "k3"):
        loss = {"kind": "kl", "referenceLogprobs": reference, "weights": WEIGHTS, "estimator": estimator}
        cases.append(loss_case(f"{estimator} from none to nine nats", loss, x))

    comparisons = {
        "preferredRows": [0, 3, 4, 0, 2],
        "rejectedRows": [1, 0, 2, 4, 3],
        "weights": [1.0, 0.5, 2.0, 0.0, 1.0],
    }
    for name, scores in (
        ("scores far apart and near", ROW_NUMBERS),
        ("equal scores", [0.5] * ROWS),
        ("margins of a thousand", [-1000.0, 0.0, 1000.0, 0.0, -1000.0]),
    ):
        cases.append(loss_case(f"Bradley-Terry: {name}", {"kind": "bradleyTerry", **comparisons}, scores))

    scores = drawn(9, 9, -2, 2)
    groups = {"groupSizes": [1, 4, 2, 2], "ratings": [5.0, 2.0, 1.0, 2.0, -1.0, 3.0, 3.0, 1.0, 0.0]}
    for name, weights, x in (
        ("a group of one, equal ratings", [1.0, 0.25, 1.0, 2.0], scores),
        ("a group without weight", [1.0, 0.0, 1.0, 2.0], scores),
        ("equal scores", [1.0, 0.25, 1.0, 2.0], [0.5] * 9),
    ):
        cases.append(
            loss_case(f"ranked groups: {name}", {"kind": "rankedGroup", **groups, "weights": weights}, x, [1] * 9)
        )

    for name, beta, smoothing, reference in (
        ("a row in several comparisons, one without a span", 0.1, 0.0, NEAR_LOGPROBS),
        ("smoothed labels", 0.5, 0.1, NEAR_LOGPROBS),
        ("labels that say nothing", 2.0, 0.5, NEAR_LOGPROBS),
        ("at the reference", 0.3, 0.2, LOGPROBS),
        ("margins of hundreds", 100.0, 0.1, NEAR_LOGPROBS),
    ):
        loss = {"kind": "dpo", "referenceLogprobs": reference, **comparisons, "beta": beta, "labelSmoothing": smoothing}
        cases.append(loss_case(f"DPO: {name}", loss, LOGPROBS))

    pairs = {"firstRows": [0, 3, 4, 0, 2], "secondRows": [1, 0, 2, 4, 3], "weights": [1.0, 0.5, 2.0, 0.0, 1.0]}
    for name, targets, base in (
        ("a row in several pairs, one without a span", [0.5, -1.0, 0.25, 3.0, 1.5], NEAR_LOGPROBS),
        ("at the base", [0.5, -1.0, 0.0, 3.0, 1.5], LOGPROBS),
    ):
        loss = {"kind": "logRatioDifference", "baseLogprobs": base, **pairs, "targets": targets}
        cases.append(loss_case(f"difference of log-ratios: {name}", loss, LOGPROBS))
    return cases


# --- src/math. ---


def gae_case(rewards: list[float], values: list[float], gamma: float, gae_lambda: float) -> Case:
    """Eq. 16 of arXiv 1506.02438 as a matrix: A = sum over l of (gamma lambda)^l delta_{t+l}."""
    v = tensor(values)
    delta = tensor(rewards) + gamma * torch.cat([v[1:], v.new_zeros(1)]) - v
    ahead = torch.arange(len(rewards))[None, :] - torch.arange(len(rewards))[:, None]
    advantages = torch.where(ahead >= 0, (gamma * gae_lambda) ** ahead.clamp(min=0).double(), 0.0) @ delta
    return {
        "rewards": rewards,
        "values": values,
        "gamma": gamma,
        "gaeLambda": gae_lambda,
        "advantages": advantages.tolist(),
        "returns": (advantages + v).tolist(),
    }


def whiten_case(xs: list[float], shift_mean: bool) -> Case:
    variance, mean = torch.var_mean(tensor(xs), correction=0)
    whitened = (tensor(xs) - mean) * torch.rsqrt(variance + 1e-8)
    return {"xs": xs, "shiftMean": shift_mean, "whitened": (whitened if shift_mean else whitened + mean).tolist()}


def kl_case(log_ratios: list[float]) -> Case:
    d = tensor(log_ratios)
    estimates = {"k1": d, "k2": d * d / 2, "k3": torch.exp(-d) - 1 + d}
    return {"logRatios": log_ratios, **{name: estimate.sum().item() for name, estimate in estimates.items()}}


def leave_one_out_case(scores: list[float], groups: list[list[int]]) -> Case:
    advantages = [0.0] * len(scores)
    for group in groups:
        for i in group:
            others = [scores[j] for j in group if j != i]
            advantages[i] = scores[i] - math.fsum(others) / len(others) if others else 0.0
    return {"scores": scores, "groups": groups, "advantages": advantages}


def group_case(scores: list[float], groups: list[list[int]], scaled: bool) -> Case:
    advantages = torch.zeros(len(scores), dtype=torch.float64)
    for group in groups:
        of_group = tensor(scores)[group]
        deviation, mean = torch.std_mean(of_group, correction=0)
        advantages[group] = (of_group - mean) / (deviation + 1e-8 if scaled else 1)
    return {"scores": scores, "groups": groups, "scaleByDeviation": scaled, "advantages": advantages.tolist()}


def adaptive_kl_case(kl: float, rollouts: int) -> Case:
    coefficient, target, horizon = 0.05, 6.0, 10_000
    if kl >= 1.2 * target:
        factor = 1 + 0.2 * rollouts / horizon
    elif kl <= 0.8 * target:
        factor = 1 - 0.2 * rollouts / horizon
    else:
        factor = 1 + (kl - target) / target * rollouts / horizon
    inputs = {"klCoef": coefficient, "kl": kl, "target": target, "horizon": horizon, "rollouts": rollouts}
    return {**inputs, "next": coefficient * factor}


def importance_case(trainer: list[float], sampler: list[float], largest: float) -> Case:
    ratio = torch.exp(tensor(trainer)) / torch.exp(tensor(sampler))
    return {
        "trainerLogprobs": trainer,
        "samplerLogprobs": sampler,
        "maxWeight": largest,
        "weights": ratio.clamp(max=largest).tolist(),
    }


def explained_variance_case(predictions: list[float], targets: list[float]) -> Case:
    total = torch.var(tensor(targets), correction=0)
    rest = torch.var(tensor(targets) - tensor(predictions), correction=0)
    value = (1 - rest / total).item() if total > 0 else 0.0
    return {"predictions": predictions, "targets": targets, "value": value}


def rates_of(scheduler_of: Callable[[torch.optim.Optimizer], Any], peak: float, count: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    scheduler = scheduler_of(optimizer)
    rates = []
    for _ in range(count):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def schedule_case(decay: str, warmup: int, total: int, final_share: float) -> Case:
    """PyTorch's own schedulers: a warm-up of `warmup` optimiser steps, then the decay over the rest."""
    peak, rest = 3e-4, total - warmup
    schedulers = torch.optim.lr_scheduler
    decays: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
        "constant": lambda optimizer: schedulers.ConstantLR(optimizer, factor=1.0),
        "linear": lambda optimizer: schedulers.LinearLR(optimizer, 1.0, final_share, total_iters=rest),
        "cosine": lambda optimizer: schedulers.CosineAnnealingLR(optimizer, T_max=rest, eta_min=final_share * peak),
    }
    rates = rates_of(decays[decay], peak, rest)
    if warmup > 0:
        rates = (
            rates_of(lambda optimizer: schedulers.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1), peak, warmup)
            + rates
        )
    schedule = {"learningRate": peak, "warmupShare": warmup / total, "decay": decay, "finalShare": final_share}
    return {"schedule": schedule, "rates": rates}


def pair_accuracy_case(
    scores: list[float], ratings: list[float], group_sizes: list[int], weights: list[int] | None = None
) -> Case:
    """Rows repeated as often as they are weighed, and every pair looked at."""
    group_of_row = [group for group, size in enumerate(group_sizes) for _ in range(size)]
    rows = [row for row in range(len(scores)) for _ in range(weights[row] if weights else 1)]
    points = [
        (1 + (scores[i] > scores[j]) - (scores[i] < scores[j])) / 2
        for i, j in itertools.product(rows, rows)
        if group_of_row[i] == group_of_row[j] and ratings[i] > ratings[j]
    ]
    inputs = {"scores": scores, "ratings": ratings, "groupSizes": group_sizes}
    return {**inputs, **({"weights": weights} if weights else {}), "value": math.fsum(points) / len(points)}


def quantile_case(xs: list[float], q: float) -> Case:
    return {"sorted": sorted(xs), "q": q, "value": torch.quantile(tensor(xs), q).item()}


def math_cases() -> dict[str, list[Case]]:
    scores = drawn(20, 9, -3, 3)
    groups = [[4, 0, 7], [1], [8, 2, 5, 6], [3]]
    equal_scores = [0.5, 2.0, 0.25, 1.0, 0.5, 0.25, 0.25, 0.5, 0.25]
    spread = drawn(21, 12, -5, 5)
    return {
        "gae": [
            gae_case(drawn(22, 9, -1, 1), drawn(23, 9, -2, 2), gamma, gae_lambda)
            for gamma, gae_lambda in ((1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.99, 0.0), (0.0, 1.0))
        ]
        + [gae_case([1.5], [0.25], 1.0, 0.95)],
        "whiten": [
            whiten_case(xs, shift_mean)
            for xs in (spread, [1e-4, 2e-4, -1e-4], [0.5, 0.5, 0.5], [-2.0])
            for shift_mean in (True, False)
        ],
        "kl": [kl_case(ratios) for ratios in (drawn(24, 8, -2, 2), [0.01, -0.01, 0.0], [8.0, -6.0], [])],
        "leaveOneOutAdvantages": [leave_one_out_case(values, groups) for values in (scores, equal_scores)],
        "groupAdvantages": [
            group_case(values, groups, scaled) for values in (scores, equal_scores) for scaled in (True, False)
        ],
        "adaptKlCoef": [adaptive_kl_case(kl, 512) for kl in (0.0, 4.8, 5.4, 6.0, 6.5, 7.2, 60.0)]
        + [adaptive_kl_case(-1.0, 64)],
        "truncatedImportanceWeights": [
            importance_case(LOGPROBS, NEAR_LOGPROBS, 2.0),
            importance_case(LOGPROBS, LOGPROBS, 2.0),
        ],
        "explainedVariance": [
            explained_variance_case(drawn(25, 12, -5, 5), spread),
            explained_variance_case([x + 1 for x in spread], spread),
            explained_variance_case([0.0] * 12, spread),
            explained_variance_case([1.0, 2.0], [0.5, 0.5]),
        ],
        "learningRateAt": [
            schedule_case("constant", 0, 4, 0.0),
            schedule_case("constant", 3, 8, 0.5),
            schedule_case("linear", 0, 5, 0.0),
            schedule_case("linear", 2, 8, 0.1),
            schedule_case("cosine", 0, 7, 0.0),
            schedule_case("cosine", 4, 16, 0.1),
            schedule_case("cosine", 1, 4, 0.25),
        ],
        "pairAccuracy": [
            pair_accuracy_case(scores, [2, 1, 2, -1, 0, 3, 3, 1, 0], [4, 1, 4]),
            pair_accuracy_case(scores, [2, 1, 2, -1, 0, 3, 3, 1, 0], [4, 1, 4], [1, 0, 3, 1, 2, 1, 2, 0, 1]),
            pair_accuracy_case([0.5] * 4, [1, 0, 1, 2], [2, 2]),
        ],
        "quantile": [quantile_case(spread, q) for q in (0.0, 0.025, 0.3, 0.5, 0.975, 1.0)],
    }


# --- Files. ---


def write(name: str, text: str) -> None:
    (FOLDER / name).write_text(text, encoding="utf-8")


def lines(cases: Sequence[Case]) -> str:
    """One case a line, so that a change shows where it is."""
    return "[\n" + ",\n".join(json.dumps(case, allow_nan=False) for case in cases) + "\n]"


def difference(found: Any, expected: Any, where: str) -> str | None:
    """The first place where two JSON values differ by more than rounding."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        parts = ((found[key], expected[key], f"{where}.{key}") for key in found)
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        parts = ((*pair, f"{where}[{i}]") for i, pair in enumerate(zip(found, expected, strict=True)))
    else:
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (found, expected))
        same = (
            math.isclose(found, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12) if numbers else found == expected
        )
        return None if same else f"{where} is {found!r}, not {expected!r}"
    return next((problem for part in parts if (problem := difference(*part))), None)


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes tests/golden/losses.json and tests/golden/math.json.")
    parser.add_argument("--check", action="store_true", help="compare with what is committed instead of writing")
    check = parser.parse_args().check
    of_math = math_cases()
    sections = [f"{json.dumps(name)}: {lines(cases)}" for name, cases in of_math.items()]
    files = {"losses.json": lines(loss_cases()), "math.json": "{\n" + ",\n".join(sections) + "\n}"}
    for name, text in files.items():
        if not check:
            write(name, text + "\n")
        elif problem := difference(json.loads((FOLDER / name).read_text("utf-8")), json.loads(text), name):
            print(f"{problem}: run scripts/make-golden-vectors.py and look at what changed", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
