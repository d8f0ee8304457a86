"""What a plan is asked for, and what it answers: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from drpo_server.engine.types import Head, LoraShape


@dataclass(frozen=True)
class PlannedModel:
    """A model as Engine.create_model would make it."""

    name: str
    base: Path
    """Folder of the base, or its config.json."""
    lora: LoraShape | None
    head: Head
    trainable: bool


@dataclass(frozen=True)
class Workload:
    """What is computed with the models. Numbers of tokens are of the longest row."""

    training_row_tokens: int
    kept_rows: int
    sampling_rows: int
    sampling_row_tokens: int


@dataclass(frozen=True)
class Serving:
    """How a server computes."""

    device: str
    """Kind of device: "cpu", "cuda"."""
    dtype: torch.dtype
    token_budget: int
    sampling_token_budget: int
    processes: int
    activation_checkpointing: bool


@dataclass(frozen=True)
class Item:
    """A line of the plan."""

    kind: str
    owner: str
    bytes: int
    """For each process."""


TURNS = ("activations", "KV cache")
"""Kinds that are never held at the same time."""


@dataclass(frozen=True)
class Plan:
    """All that is needed."""

    items: tuple[Item, ...]

    @property
    def total_bytes(self) -> int:
        """The most that is held at once."""
        resident = sum(item.bytes for item in self.items if item.kind not in TURNS)
        return resident + max(sum(item.bytes for item in self.items if item.kind == turn) for turn in TURNS)
