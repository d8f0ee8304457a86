"""Samples rollouts with the trainer's own weights, in plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drpo_server.engine.types import OnProgress, SampleContext, SampledRollout, SamplingParams

if TYPE_CHECKING:
    from drpo_server.engine.model import Model

DEFAULT_TOKEN_BUDGET = 16384


def sample(
    model: Model,
    contexts: Sequence[SampleContext],
    params: SamplingParams,
    on_rollout: Callable[[SampledRollout], None],
    on_progress: OnProgress,
    token_budget: int = DEFAULT_TOKEN_BUDGET,
) -> None:
    """Draws one rollout for every seed of every context and hands each over as it finishes.

    on_rollout gets rollouts in the order in which they finish (a pure function of the call); on_progress gets
    (rollouts finished, rollouts in all) after every decoded position, and may raise Cancelled.
    token_budget: tokens (context and new ones) whose keys and values are held at once.
    Raises ValueError for a model without a language-model head, or a row longer than the base's context.
    """
    raise NotImplementedError
