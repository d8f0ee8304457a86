"""What to change if a plan does not fit: tried, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from drpo_server.memory_plan.request import Plan, Serving

_PROCESSES = (2, 4, 8, 16, 32, 64)
_SMALLEST_BUDGET = 64


def advice(plan_with: Callable[[Serving], Plan], serving: Serving, available: int) -> str:
    """One sentence; the first change of each kind with which all fits.

    plan_with: the plan of the same models and batches, served in another way.
    """
    fitting = [said for said in _changes(lambda other: plan_with(other).total_bytes <= available, serving) if said]
    if fitting:
        return f"It fits {'; or '.join(fitting)}."
    return (
        "No single setting of the server makes it fit: shorten prompts and responses, adapt fewer blocks with a lower "
        "rank, take a smaller base, or combine --activation-checkpointing, a lower --token-budget and more processes."
    )


def _changes(fits: Callable[[Serving], bool], serving: Serving) -> Iterator[str | None]:
    yield next((f"with --token-budget {n}" for n in _budgets(serving) if fits(replace(serving, token_budget=n))), None)
    if not serving.activation_checkpointing and fits(replace(serving, activation_checkpointing=True)):
        yield "with --activation-checkpointing"
    if serving.device != "cpu":
        narrow = replace(serving, dtype=torch.bfloat16)
        if serving.dtype != torch.bfloat16 and fits(narrow):
            yield "with --dtype bfloat16"
        more = (n for n in _PROCESSES if n > serving.processes and fits(replace(serving, processes=n)))
        yield next((f"on {n} processes (torchrun --nproc-per-node), a device each" for n in more), None)


def _budgets(serving: Serving) -> Iterator[int]:
    budget = serving.token_budget // 2
    while budget >= _SMALLEST_BUDGET:
        yield budget
        budget //= 2
