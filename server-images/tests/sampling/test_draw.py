"""Inverse-CDF draws at their edges and in the long run."""

from __future__ import annotations

import pytest
import torch
from device import DEVICE

from drpo_server.engine.types import SamplingParams
from drpo_server.sampling.draw import draw

LOGITS = torch.log(torch.tensor([[0.1, 0.0, 0.4, 0.3, 0.2, 0.0]], device=DEVICE))


def at(uniform: float, params: SamplingParams) -> int:
    tokens, _ = draw(LOGITS, torch.tensor([uniform], dtype=torch.float64, device=DEVICE), params)
    return int(tokens[0])


@pytest.mark.parametrize(
    ("uniform", "token"), [(0.0, 0), (0.09, 0), (0.11, 2), (0.49, 2), (0.51, 3), (0.81, 4), (1 - 2**-53, 4)]
)
def test_tokens_follow_the_cumulative_distribution(uniform: float, token: int) -> None:
    assert at(uniform, SamplingParams(1.0)) == token


@pytest.mark.parametrize(
    ("params", "tokens"),
    [
        (SamplingParams(1.0, top_k=1), {2}),
        (SamplingParams(1.0, top_k=3), {2, 3, 4}),
        (SamplingParams(1.0, top_p=0.39), {2}),
        (SamplingParams(1.0, top_p=0.45), {2, 3}),
        (SamplingParams(1.0, top_p=0.95), {0, 2, 3, 4}),
        (SamplingParams(1.0, top_p=0.6, top_k=2), {2, 3}),
    ],
)
def test_truncation_keeps_the_likeliest(params: SamplingParams, tokens: set[int]) -> None:
    assert {at(i / 200, params) for i in range(200)} == tokens


def test_frequencies_and_log_probabilities_at_a_temperature() -> None:
    uniforms = (torch.arange(4000, dtype=torch.float64, device=DEVICE) + 0.5) / 4000
    tokens, logprobs = draw(LOGITS.expand(4000, -1), uniforms, SamplingParams(0.5, top_p=0.99))
    squared = LOGITS[0].exp() ** 2
    expected = squared / squared.sum()
    counts = torch.bincount(tokens, minlength=6) / 4000
    torch.testing.assert_close(counts, expected, rtol=0, atol=1e-3)
    torch.testing.assert_close(logprobs, expected.log()[tokens].double(), rtol=1e-5, atol=1e-5)


def test_of_equal_tokens_the_lower_ids_are_kept() -> None:
    uniforms = torch.linspace(0, 0.99, 50, dtype=torch.float64, device=DEVICE)
    tokens, _ = draw(torch.zeros(50, 8, device=DEVICE), uniforms, SamplingParams(1.0, top_k=3))
    assert set(tokens.tolist()) == {0, 1, 2}
