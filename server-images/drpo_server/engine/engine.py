"""The engine: resident bases, models on them, and passes that share what their models have in common."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor

from drpo_server.engine.allocator import keep_freed_memory
from drpo_server.engine.base import Base, load_base
from drpo_server.engine.batch_index import BatchIndex
from drpo_server.engine.finite import first_not_finite
from drpo_server.engine.gradient_pass import GradientPass, forward_backward
from drpo_server.engine.group import ALONE, Group
from drpo_server.engine.model import Model
from drpo_server.engine.passes import KeptBatch, Pass
from drpo_server.engine.peft_adapter import read_peft_adapter
from drpo_server.engine.reading import Reading
from drpo_server.engine.repeatable import repeatable
from drpo_server.engine.types import (
    AdamW,
    Batch,
    Head,
    LoraShape,
    LossResult,
    ModelLoss,
    OnProgress,
    Output,
    OutputRequest,
)

__all__ = ["DEFAULT_TOKEN_BUDGET", "Engine", "KeptBatch"]

_PROBE_TOKENS = 8

DEFAULT_TOKEN_BUDGET = 4096
"""Row tokens in a micro-batch, counted before shared prefixes are merged."""


class Engine:
    """Computes everything that the model server is asked for. One call at a time: callers serialise."""

    def __init__(
        self,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        token_budget: int = DEFAULT_TOKEN_BUDGET,
        *,
        group: Group = ALONE,
        recompute: bool = False,
    ) -> None:
        """group: the processes that make the same calls, each computing its part. recompute: see Network."""
        self.group = group
        self.recompute = recompute
        self.device = device
        self.dtype = dtype
        self.token_budget = token_budget
        self._bases: dict[Path, Base] = {}
        if device.type == "cpu":
            keep_freed_memory()

    def base(self, path: Path) -> Base:
        """The base in this folder, loaded on first use. Raises as load_base does."""
        if path not in self._bases:
            self._bases[path] = load_base(path, self.device, self.dtype, group=self.group, recompute=self.recompute)
        return self._bases[path]

    def resident_bases(self) -> tuple[Path, ...]:
        """Folders of the bases that are loaded."""
        return tuple(self._bases)

    def create_model(
        self,
        *,
        name: str,
        base: Base | Path,
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
        resident = base if isinstance(base, Base) else self.base(base)
        model = Model(name=name, base=resident, lora=lora, head=head, trainable=trainable, seed=seed)
        if copy_of is not None and peft_adapter is not None:
            raise ValueError(f"model {name!r}: copy_of and peft_adapter exclude each other")
        if copy_of is not None:
            model.copy_weights(copy_of, reset_head=reset_head)
        if peft_adapter is not None:
            model.load_state({**model.state(), **read_peft_adapter(peft_adapter, model)})
        return model

    def bare_base(self, base: Base) -> Model:
        """A frozen model that computes what the base does: the least adapter, whose B is zero."""
        return self.create_model(
            name="base",
            base=base,
            lora=LoraShape(rank=1, alpha=1, last_blocks=1),
            head=Head.LANGUAGE_MODEL,
            trainable=False,
        )

    def keep(self, batch: Batch) -> KeptBatch:
        """Keeps a batch; the frozen blocks' output is added by the first call that computes it."""
        return KeptBatch(batch)

    @torch.no_grad()
    def forward(
        self,
        batch: Batch | KeptBatch,
        requests: Sequence[OutputRequest],
        on_progress: OnProgress,
        token_budget: int | None = None,
    ) -> list[Tensor]:
        """One tensor a request, float32 on the CPU, in that output's layout. on_progress: (rows done, rows).

        token_budget: of this call, if not the engine's.
        """
        index, kept = _index(batch)
        readings = [
            Reading(request.model, request.output, request.temperature, torch.arange(index.entries(request.output)))
            for request in requests
        ]
        outputs = {reading: torch.zeros(len(reading.at)) for reading in readings}
        batch_pass = Pass(index, readings, token_budget=token_budget or self.token_budget, kept=kept, group=self.group)
        with _unchanged_on_error(kept):
            for model_pass in batch_pass.run(on_progress):
                for reading, at, x in model_pass.read:
                    outputs[reading][at] = x.to("cpu", torch.float32)
        return [self.group.sum(outputs[reading]) for reading in readings]

    def forward_backward(
        self,
        batch: Batch | KeptBatch,
        losses: Sequence[ModelLoss],
        on_progress: OnProgress,
        token_budget: int | None = None,
    ) -> list[LossResult]:
        """Adds the losses' gradients to those accumulated, only once the whole pass has succeeded.

        Takes, returns and raises what gradient_pass does.
        """
        done = self.gradient_pass(batch, losses, on_progress, token_budget)
        done.accumulate()
        return done.losses

    def gradient_pass(
        self,
        batch: Batch | KeptBatch,
        losses: Sequence[ModelLoss],
        on_progress: OnProgress,
        token_budget: int | None = None,
    ) -> GradientPass:
        """The losses and their gradients, which are in no model until the caller accumulates them.

        One result a loss; its outputs are 0 where no loss on that model has a non-zero weight (not computed there).
        token_budget: of this call, if not the engine's.
        Raises ValueError for a frozen model, or a loss that does not fit the model's head.
        """
        index, kept = _index(batch)
        with repeatable(self.device), _unchanged_on_error(kept):
            return forward_backward(
                index,
                losses,
                token_budget=token_budget or self.token_budget,
                kept=kept,
                group=self.group,
                on_progress=on_progress,
            )

    def optimizer_step(self, model: Model, adamw: AdamW, max_gradient_norm: float) -> float:
        """One AdamW step; gradients are then cleared. Returns the global gradient norm before clipping.

        max_gradient_norm 0: no clipping. Raises ValueError if the model is frozen or has no gradients, and
        FloatingPointError, leaving weights, moments and gradients as they were, if the norm is not finite or the step
        would make a number so.
        """
        if not model.trainable:
            raise ValueError(f"model {model.name!r} is frozen")
        if not model.gradients:
            raise ValueError(f"model {model.name!r} has no accumulated gradients")
        parameters = model.named_parameters()
        try:
            norm = model.adamw.check_step(parameters, model.gradients, adamw, max_gradient_norm, self.group)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"model {model.name!r}: {error}. Weights, moments and gradients are left as they were"
            ) from error
        try:
            model.adamw.step(parameters, model.gradients, adamw, max_gradient_norm, norm)
        finally:  # also of a step that failed half-way: its model is at no version that anyone expects
            model.gradients = {}
            model.optimizer_step += 1
            model.weights_changed()
        return float(norm)

    def refuse_not_finite(self, model: Model) -> None:
        """Raises FloatingPointError, saying which, if the model's weights, its moments or what it computes of a few
        tokens are not finite."""
        bad = first_not_finite({**model.spread_state(), **model.spread_optimizer_state()}, self.group)
        if bad is not None:
            raise FloatingPointError(f"{bad} of model {model.name!r} is not finite")
        length = min(_PROBE_TOKENS, model.base.context_tokens)
        row = torch.arange(length) % model.base.vocabulary_size
        whole = torch.tensor([length])
        batch = Batch(row, whole, torch.ones_like(whole), whole - 1)
        output = Output.LOGPROBS if model.head is Head.LANGUAGE_MODEL else Output.VALUES
        [outputs] = self.forward(batch, [OutputRequest(model, output)], lambda _done, _total: None)
        if not torch.isfinite(outputs).all():
            raise FloatingPointError(
                f"the weights of model {model.name!r} are so large that its {output.value} are not finite"
            )

    def discard_gradients(self, model: Model) -> None:
        """Drops accumulated gradients."""
        model.gradients = {}


def _unchanged_on_error(kept: KeptBatch | None) -> AbstractContextManager[None]:
    return nullcontext() if kept is None else kept.unchanged_on_error()


def _index(batch: Batch | KeptBatch) -> tuple[BatchIndex, KeptBatch | None]:
    return (batch.index, batch) if isinstance(batch, KeptBatch) else (BatchIndex(batch), None)
