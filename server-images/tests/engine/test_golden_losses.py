"""Losses against numbers of a program that shares no code with them. The orchestrator's tests read the same file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from drpo_server.engine.losses import entry_loss_sum
from drpo_server.engine.row_losses import row_loss_sum
from drpo_server.engine.types import KlEstimator, Loss, Output, RowLoss

REPOSITORY = Path(__file__).parents[3]
GOLDEN: dict[str, dict[str, Any]] = {
    case["name"]: case for case in json.loads((REPOSITORY / "tests" / "golden" / "losses.json").read_text("utf-8"))
}
CLASSES = {cls.__name__[0].lower() + cls.__name__[1:]: cls for cls in get_args(Loss)}
"""By the orchestrator's name for each kind of loss."""


def loss_of(fields: dict[str, Any], dtype: torch.dtype) -> Loss:
    """From the orchestrator's names of fields."""

    def value(name: str, given: Any) -> Any:
        if name == "output":
            return Output(given)
        if name == "estimator":
            return KlEstimator(given)
        if not isinstance(given, list):
            return given
        return torch.tensor(given, dtype=torch.int64 if re.search("_rows$|_sizes$", name) else dtype)

    snake = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key): given for key, given in fields.items()}
    cls = CLASSES[snake.pop("kind")]
    loss: Loss = cls(**{name: value(name, given) for name, given in snake.items()})
    return loss


def total(loss: Loss, x: Tensor, span_lengths: list[int]) -> Tensor:
    if isinstance(loss, RowLoss):
        return row_loss_sum(loss, x, torch.tensor(span_lengths))
    return entry_loss_sum(loss, x, lambda array: array)


@pytest.mark.parametrize(
    ("dtype", "relative", "absolute"),
    [(torch.float64, 1e-6, 1e-12), (torch.float32, 1e-4, 1e-5)],
    ids=["float64", "float32"],
)
@pytest.mark.parametrize("name", GOLDEN)
def test_loss_and_gradient(name: str, dtype: torch.dtype, relative: float, absolute: float) -> None:
    golden = GOLDEN[name]
    x = torch.tensor(golden["x"], dtype=dtype, requires_grad=True)
    found = total(loss_of(golden["loss"], dtype), x, golden["spanLengths"])
    (gradients,) = torch.autograd.grad(found, x)
    assert found.dtype == dtype
    assert found.item() == pytest.approx(golden["value"], rel=relative, abs=absolute)
    assert gradients.tolist() == pytest.approx(golden["gradients"], rel=relative, abs=absolute)


def test_every_loss_has_golden_numbers() -> None:
    assert {golden["loss"]["kind"] for golden in GOLDEN.values()} == CLASSES.keys()


def test_the_files_are_what_the_program_writes() -> None:
    program = str(REPOSITORY / "scripts" / "make-golden-vectors.py")
    done = subprocess.run([sys.executable, program, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
