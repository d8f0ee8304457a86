"""The engine: resident bases, models on them, and passes that share what their models have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from drpo_server.engine.base import Base
from drpo_server.engine.model import Model
from drpo_server.engine.types import AdamW, Batch, Head, LoraShape, LossResult, ModelLoss, OnProgress, OutputRequest

DEFAULT_TOKEN_BUDGET = 4096


class KeptBatch:
    """A batch and what the frozen blocks made of it, for later calls."""

    batch: Batch


class Engine:
    """Computes everything that the model server is asked for. One call at a time: callers serialise."""

    def __init__(
        self, device: torch.device, dtype: torch.dtype = torch.float32, token_budget: int = DEFAULT_TOKEN_BUDGET
    ) -> None: ...

    def base(self, path: Path) -> Base:
        """The base in this folder, loaded on first use. Raises as load_base does."""
        raise NotImplementedError

    def resident_bases(self) -> tuple[Path, ...]:
        """Folders of the bases that are loaded."""
        raise NotImplementedError

    def create_model(
        self,
        *,
        name: str,
        base: Path,
        lora: LoraShape | None,
        head: Head,
        trainable: bool,
        seed: int = 0,
        copy_of: Model | None = None,
        peft_adapter: Path | None = None,
        reset_head: bool = False,
    ) -> Model:
        """Makes a model (lora None: a full copy of the base).

        seed: of the Kaiming-uniform A matrices. copy_of: first weights from this model, of the same base and shape.
        peft_adapter: first weights from a PEFT folder. Raises ValueError where these do not fit.
        """
        raise NotImplementedError

    def keep(self, batch: Batch) -> KeptBatch:
        """Keeps a batch; the frozen blocks' output is added by the first call that computes it."""
        raise NotImplementedError

    def forward(
        self, batch: Batch | KeptBatch, requests: Sequence[OutputRequest], on_progress: OnProgress
    ) -> list[Tensor]:
        """One tensor a request, float32 on the CPU, in that output's layout. on_progress: (rows done, rows)."""
        raise NotImplementedError

    def forward_backward(
        self, batch: Batch | KeptBatch, losses: Sequence[ModelLoss], on_progress: OnProgress
    ) -> list[LossResult]:
        """Adds the losses' gradients to those accumulated, only once the whole pass has succeeded.

        One result a loss; its outputs are 0 where no loss on that model has a non-zero weight (not computed there).
        Raises ValueError for a frozen model, or a loss that does not fit the model's head.
        """
        raise NotImplementedError

    def optimizer_step(self, model: Model, adamw: AdamW, max_gradient_norm: float) -> float:
        """One AdamW step; gradients are then cleared. Returns the global gradient norm before clipping.

        max_gradient_norm 0: no clipping. Raises ValueError if the model is frozen or has no gradients, and
        FloatingPointError, leaving weights and gradients, if the norm is not finite.
        """
        raise NotImplementedError

    def discard_gradients(self, model: Model) -> None:
        """Drops accumulated gradients."""
        raise NotImplementedError
