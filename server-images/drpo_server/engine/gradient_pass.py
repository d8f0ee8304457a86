"""Gradients of a list of losses: accumulated over micro-batches, and added to the models' only when all succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from drpo_server.engine.batch_index import BatchIndex
from drpo_server.engine.group import Group
from drpo_server.engine.losses import entry_loss_sum, output_of, weights_of
from drpo_server.engine.model import Model
from drpo_server.engine.passes import KeptBatch, ModelPass, Pass
from drpo_server.engine.reading import Reading
from drpo_server.engine.row_losses import row_loss_sum
from drpo_server.engine.types import Linear, Loss, LossResult, ModelLoss, OnProgress, Output, RowLoss


@dataclass
class _Term:
    """A loss under way."""

    loss: Loss
    key: _Key
    total: float = 0.0
    fixed: bool = False  # its total is known already; `loss` only carries its gradient


_Key = tuple[Model, Output, float]


@dataclass(frozen=True)
class GradientPass:
    """A pass that has succeeded, and whose gradients are in no model yet."""

    losses: list[LossResult]
    gradients: dict[Model, dict[str, Tensor]]

    def accumulate(self) -> None:
        """Adds the gradients to their models'. To be called once; it cannot fail, as it needs no memory."""
        for model, added in self.gradients.items():
            for name, gradient in added.items():
                before = model.gradients.get(name)
                model.gradients[name] = gradient if before is None else before.add_(gradient)


def forward_backward(
    index: BatchIndex,
    losses: Sequence[ModelLoss],
    *,
    token_budget: int,
    kept: KeptBatch | None,
    group: Group,
    on_progress: OnProgress,
) -> GradientPass:
    """See Engine.gradient_pass."""
    for loss in losses:
        if not loss.model.trainable:
            raise ValueError(f"model {loss.model.name!r} is frozen: it takes no loss")
    terms = [_Term(loss.loss, (loss.model, output_of(loss.loss), loss.temperature)) for loss in losses]
    readings = _readings(index, terms)
    make_pass = partial(Pass, index, token_budget=token_budget, kept=kept, group=group)
    batch_pass = make_pass(list(readings.values()))
    outputs = {key: torch.zeros(index.entries(key[1])) for key in readings}
    models = {loss.model: None for loss in losses}
    try:
        if len(batch_pass.rounds) > 1 and any(isinstance(term.loss, RowLoss) for term in terms):
            compared = {term.key for term in terms if isinstance(term.loss, RowLoss)}
            first = make_pass([readings[key] for key in readings if key in compared])
            _linearise(index, terms, first, group, on_progress)
            on_progress = _second_half(on_progress, first.rows)
        for model_pass in batch_pass.run(on_progress):
            _backward(model_pass, terms, index, outputs, group)
            del model_pass
        gradients = {model: _gradients(model) for model in models}
    finally:
        for model in models:
            for parameter in model.named_parameters().values():
                parameter.grad = None
    totals = group.sum(torch.tensor([0.0 if term.fixed else term.total for term in terms], dtype=torch.float64))
    outputs = {key: group.sum(output) for key, output in outputs.items()}
    results = [
        LossResult(loss=term.total if term.fixed else total, outputs=outputs[term.key])
        for term, total in zip(terms, totals.tolist(), strict=True)
    ]
    return GradientPass(results, gradients)


def _readings(index: BatchIndex, terms: Sequence[_Term]) -> dict[_Key, Reading]:
    """One reading for each (model, output, temperature), at the entries that any of its losses needs."""
    needed: dict[_Key, Tensor] = {}
    for term in terms:
        entries = index.entries(term.key[1])
        weights = weights_of(term.loss, index.row_of_entry(term.key[1]))
        if weights.shape[0] != entries:
            raise ValueError(
                f"a loss on model {term.key[0].name!r} has {weights.shape[0]} weights for {entries} entries"
            )
        before = needed.get(term.key)
        needed[term.key] = weights != 0 if before is None else before | (weights != 0)
    return {key: Reading(*key, at=mask.nonzero().squeeze(1)) for key, mask in needed.items()}


def _backward(
    model_pass: ModelPass,
    terms: Sequence[_Term],
    index: BatchIndex,
    outputs: dict[_Key, Tensor],
    group: Group,
) -> None:
    sums: list[Tensor] = []
    for reading, at, x in model_pass.read:
        key = (reading.model, reading.output, reading.temperature)
        outputs[key][at] = x.detach().to("cpu", torch.float32)
        for term in terms:
            if term.key == key:
                term_sum = _evaluate(term.loss, x, at, index, group)
                sums.append(term_sum)
                # Every process evaluates a comparison of rows, and all get the same.
                if not term.fixed and (group.rank == 0 or not isinstance(term.loss, RowLoss)):
                    term.total += float(term_sum.detach())
    total = torch.stack(sums).sum()
    if total.requires_grad:
        total.backward()


def _evaluate(loss: Loss, x: Tensor, at: Tensor, index: BatchIndex, group: Group) -> Tensor:
    if isinstance(loss, RowLoss):
        whole = x.new_zeros(index.entries(output_of(loss)))
        if group.size > 1:  # the entries of the others are constants here; each adds its own part of the gradient
            whole = group.sum(whole.index_copy(0, at.to(x.device), x.detach()))
        return row_loss_sum(loss, whole.index_copy(0, at.to(x.device), x), index.batch.span_lengths)
    return entry_loss_sum(loss, x, lambda array: array[at].to(x))


def _linearise(index: BatchIndex, terms: Sequence[_Term], first: Pass, group: Group, on_progress: OnProgress) -> None:
    """Comparisons that span micro-batches: reads all that they are computed from in a first pass, and replaces each
    loss by the linear one that has its gradient there."""
    outputs: dict[_Key, Tensor] = {}
    with torch.no_grad():
        for model_pass in first.run(lambda done, total: on_progress(done, 2 * total)):
            for reading, at, x in model_pass.read:
                key = (reading.model, reading.output, reading.temperature)
                whole = outputs.setdefault(key, x.new_zeros(index.entries(reading.output)))
                whole[at.to(x.device)] = x
    outputs = {key: group.sum(output) for key, output in outputs.items()}
    for term in terms:
        loss = term.loss
        if not isinstance(loss, RowLoss):
            continue
        leaf = outputs[term.key].clone().requires_grad_()
        total = row_loss_sum(loss, leaf, index.batch.span_lengths)
        (slopes,) = torch.autograd.grad(total, leaf)
        term.total, term.fixed = float(total.detach()), True
        term.loss = Linear(term.key[1], slopes.cpu())


def _second_half(on_progress: OnProgress, rows_before: int) -> OnProgress:
    return lambda done, total: on_progress(rows_before + done, rows_before + total)


def _gradients(model: Model) -> dict[str, Tensor]:
    return {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in model.named_parameters().items()
    }
