"""A plan for a server that runs: with what is free on its device, and what is resident there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from drpo_server.bases import Bases
from drpo_server.device_memory import usable_memory
from drpo_server.engine.engine import Engine
from drpo_server.memory_plan.advice import advice
from drpo_server.memory_plan.plan import base_bytes, plan_memory
from drpo_server.memory_plan.request import Plan, PlannedModel, Serving, Workload
from drpo_server.sampling.torch_sampler import DEFAULT_TOKEN_BUDGET


@dataclass(frozen=True)
class PlanAnswer:
    plan: Plan
    available: int
    """Bytes that are free for it, and those of its items that are resident."""
    advice: str
    """What to change, if it does not fit."""


def answer_plan(models: Sequence[PlannedModel], workload: Workload, engine: Engine, bases: Bases) -> PlanAnswer:
    """Raises ValueError as plan_memory does."""
    serving = Serving(
        device=engine.device.type,
        dtype=engine.dtype,
        token_budget=engine.token_budget,
        sampling_token_budget=DEFAULT_TOKEN_BUDGET,
        processes=engine.group.size,
        activation_checkpointing=engine.recompute,
    )
    resident = [path for path in dict.fromkeys(model.base for model in models) if bases.loaded(path) is not None]
    plan = plan_memory(models, workload, serving)
    # torchrun says how many processes share this machine.
    sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if engine.group.size > 1 else 1
    available = usable_memory(engine.device, sharing) + sum(base_bytes(path, serving) for path in resident)
    advised = ""
    if plan.total_bytes > available:
        advised = advice(lambda other: plan_memory(models, workload, other), serving, available)
    return PlanAnswer(plan, available, advised)
