"""What scipy, numpy and a few plain lines say of data on standard input (JSON), for statistics-agree.test.ts."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

Case = dict[str, Any]


def wilson(case: Case) -> list[float]:
    interval = stats.binomtest(case["successes"], case["n"]).proportion_ci(0.95, "wilson")
    return [case["successes"] / case["n"], interval.low, interval.high]


def spread(xs: list[float]) -> list[float]:
    n = len(xs)
    error = stats.sem(xs)
    low, high = stats.t.interval(0.95, n - 1, loc=np.mean(xs), scale=error)
    return [np.mean(xs), np.std(xs, ddof=1), error, low, high]


def paired(case: Case) -> list[float]:
    a, b = np.array(case["a"]), np.array(case["b"])
    test = stats.ttest_rel(a, b)
    flips = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if len(a) <= 13 else 20_000,
        rng=np.random.default_rng(1),
    )
    return [test.statistic, test.pvalue, flips.pvalue]


def welch(case: Case) -> list[float]:
    test = stats.ttest_ind(case["a"], case["b"], equal_var=False)
    interval = test.confidence_interval(0.95)
    return [test.statistic, test.df, test.pvalue, interval.low, interval.high]


def bootstrap(xs: list[float]) -> list[float]:
    interval = stats.bootstrap(
        (np.array(xs),), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    return [interval.low, interval.high]


def kappa(labels: list[tuple[str, str]]) -> float:
    names = sorted({name for pair in labels for name in pair})
    table = np.array([[Counter(map(tuple, labels))[(row, column)] for column in names] for row in names]) / len(labels)
    expected = table.sum(axis=1) @ table.sum(axis=0)
    return float((np.trace(table) - expected) / (1 - expected))


def ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def longest_common_subsequence(a: list[str], b: list[str]) -> int:
    lengths = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            lengths[i + 1, j + 1] = lengths[i, j] + 1 if x == y else max(lengths[i, j + 1], lengths[i + 1, j])
    return int(lengths[-1, -1])


def f1(matches: int, response: int, reference: int) -> float:
    return 2 * matches / (response + reference) if matches else 0.0


def rouge(case: Case) -> list[float]:
    a, b = case["response"].split(), case["reference"].split()
    overlaps = [(ngrams(a, n), ngrams(b, n)) for n in (1, 2)]
    scores = [f1((x & y).total(), x.total(), y.total()) for x, y in overlaps]
    return [*scores, f1(longest_common_subsequence(a, b), len(a), len(b))]


KINDS: dict[str, Callable[[Any], Any]] = {
    "wilson": wilson,
    "spread": spread,
    "paired": paired,
    "welch": welch,
    "bootstrap": bootstrap,
    "kappa": kappa,
    "rouge": rouge,
    "quantile": lambda case: float(np.quantile(case["sorted"], case["q"])),
}
problems = json.load(sys.stdin)
json.dump(
    {kind: [np.asarray(KINDS[kind](case)).tolist() for case in cases] for kind, cases in problems.items()}, sys.stdout
)
