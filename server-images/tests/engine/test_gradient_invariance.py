"""What the gradient of a loss must not depend on: how a batch is cut into micro-batches, the order of its rows, and
padding, which the engine does without."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from device import DEVICE
from gradient_cases import BATCH, F64, LOSSES, ROWS, SMALL, WHOLE, close, make
from plain_model import PaddedModel, PlainModel, ignore_progress, make_batch
from torch import Tensor

from drpo_server.engine.engine import Engine
from drpo_server.engine.losses import output_of
from drpo_server.engine.types import (
    Batch,
    BradleyTerry,
    Dpo,
    LogRatioDifference,
    LoraShape,
    Loss,
    ModelLoss,
    Output,
    RankedGroup,
)

LORA = LoraShape(3, 6.0, last_blocks=2)
GROUP_ORDER = torch.tensor([2, 0, 1])
ORDER = torch.tensor([10, 9, 11, 3, 0, 4, 2, 1, 8, 6, 7, 5])
"""The row that comes to each place: the ranked groups change places, and rows change places in them."""
PLACES = torch.argsort(ORDER)
"""The place that each row comes to."""


def gradients_of(folder: Path, loss: Loss, *, budget: int, batch: Batch = BATCH) -> tuple[dict[str, Tensor], Tensor]:
    """And the outputs that the loss was computed from."""
    engine = Engine(DEVICE, F64, token_budget=budget)
    model = make(engine, folder, output_of(loss), LORA)
    (result,) = engine.forward_backward(batch, [ModelLoss(model, loss)], ignore_progress)
    return model.gradients, result.outputs


@pytest.mark.parametrize("name", LOSSES)
def test_the_cut_does_not_show(tiny_llama_folder: Path, name: str) -> None:
    whole, outputs = gradients_of(tiny_llama_folder, LOSSES[name][0], budget=WHOLE)
    for budget in (SMALL, 1):
        cut, cut_outputs = gradients_of(tiny_llama_folder, LOSSES[name][0], budget=budget)
        close(cut, whole)
        torch.testing.assert_close(cut_outputs, outputs, rtol=1e-6, atol=1e-6)


def entry_order(output: Output) -> Tensor:
    """The entry that comes to each place when the rows do."""
    if output is Output.SCORES:
        return ORDER
    spans = torch.arange(int(BATCH.span_lengths.sum())).split(BATCH.span_lengths.tolist())
    return torch.cat([spans[row] for row in ORDER.tolist()])


def reordered(loss: Loss) -> Loss:
    """The same loss on the rows in their new order."""
    entries = entry_order(output_of(loss))
    match loss:
        case RankedGroup():
            return RankedGroup(loss.group_sizes[GROUP_ORDER], loss.ratings[ORDER], loss.weights[GROUP_ORDER])
        case BradleyTerry():
            return replace(loss, preferred_rows=PLACES[loss.preferred_rows], rejected_rows=PLACES[loss.rejected_rows])
        case Dpo():
            return replace(
                loss,
                reference_logprobs=loss.reference_logprobs[entries],
                preferred_rows=PLACES[loss.preferred_rows],
                rejected_rows=PLACES[loss.rejected_rows],
            )
        case LogRatioDifference():
            return replace(
                loss,
                base_logprobs=loss.base_logprobs[entries],
                first_rows=PLACES[loss.first_rows],
                second_rows=PLACES[loss.second_rows],
            )
        case _:
            given = {field.name: getattr(loss, field.name) for field in fields(loss)}
            arrays: dict[str, Any] = {key: value[entries] for key, value in given.items() if torch.is_tensor(value)}
            return replace(loss, **arrays)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("budget", [WHOLE, SMALL], ids=["whole", "cut"])
def test_the_order_of_rows_does_not_show(tiny_llama_folder: Path, name: str, budget: int) -> None:
    loss = LOSSES[name][0]
    expected, outputs = gradients_of(tiny_llama_folder, loss, budget=budget)
    batch = make_batch([ROWS[row] for row in ORDER.tolist()])
    found, found_outputs = gradients_of(tiny_llama_folder, reordered(loss), budget=budget, batch=batch)
    close(found, expected)
    torch.testing.assert_close(found_outputs, outputs[entry_order(output_of(loss))], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_would_not_show(
    tiny_llama_folder: Path, name: str, side: Literal["left", "right"]
) -> None:
    loss, output, equation = LOSSES[name]
    engine = Engine(DEVICE, F64, token_budget=SMALL)
    model = make(engine, tiny_llama_folder, output, LORA)
    engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
    padded = PaddedModel(model, side)
    close(model.gradients, padded.gradients(equation(padded.output(BATCH, output))))


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder", "tiny_qwen3_folder"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_model_of_every_family_is_the_plain_one(
    folder: str, side: Literal["left", "right"], request: pytest.FixtureRequest
) -> None:
    engine = Engine(DEVICE, F64)
    model = make(engine, request.getfixturevalue(folder), Output.LOGPROBS, LORA)
    found, expected = PaddedModel(model, side).logprobs(BATCH), PlainModel(model).logprobs(BATCH)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
