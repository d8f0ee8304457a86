"""The losses of trainer_service.proto, as written there: plain sums of the client's terms. Here are those whose terms
read one entry each; row_losses.py has those that compare rows.

x is what a loss is computed from (logp, v or s); at(...) below selects the client's arrays at the entries present in a
micro-batch. A term with weight 0 adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from drpo_server.engine.row_losses import compared_rows
from drpo_server.engine.types import (
    BradleyTerry,
    ClippedSurrogate,
    ClippedValue,
    CrossEntropy,
    Dpo,
    EntryLoss,
    Kl,
    KlEstimator,
    Linear,
    LogRatioDifference,
    Loss,
    Output,
    RankedGroup,
    SquaredError,
)

Select = Callable[[Tensor], Tensor]
"""Takes an array in the layout of x over the whole batch to its entries in the micro-batch."""


def output_of(loss: Loss) -> Output:
    """What the loss is computed from."""
    match loss:
        case CrossEntropy() | ClippedSurrogate() | Kl() | Dpo() | LogRatioDifference():
            return Output.LOGPROBS
        case ClippedValue():
            return Output.VALUES
        case BradleyTerry() | RankedGroup():
            return Output.SCORES
        case SquaredError(output=output) | Linear(output=output):
            return output


def weights_of(loss: Loss, row_of_entry: Tensor) -> Tensor:
    """What multiplies each entry of x: where it is 0, x need not be computed; [entries]. Comparisons need all of every
    row that they name.
    row_of_entry: the row that each entry of x is in; [entries]"""
    match loss:
        case Linear():
            return loss.coefficients
        case BradleyTerry() | RankedGroup() | Dpo() | LogRatioDifference():
            return torch.isin(row_of_entry, compared_rows(loss)).float()
        case _:
            return loss.weights


def entry_loss_sum(loss: EntryLoss, x: Tensor, at: Select) -> Tensor:
    """The sum of the loss's terms over the entries in x. Scalar, of x's dtype."""
    match loss:
        case CrossEntropy():
            return -(at(loss.weights) * x).sum()
        case ClippedSurrogate():
            return _clipped_surrogate(loss, x, at)
        case ClippedValue():
            return _clipped_value(loss, x, at)
        case SquaredError():
            return (at(loss.weights) * 0.5 * (x - at(loss.targets)) ** 2).sum()
        case Kl():
            return (at(loss.weights) * _kl(loss.estimator, x - at(loss.reference_logprobs))).sum()
        case Linear():
            return (at(loss.coefficients) * x).sum()


def _clipped_surrogate(loss: ClippedSurrogate, logp: Tensor, at: Select) -> Tensor:
    """Schulman et al. 2017, arXiv 1707.06347, eq. 7."""
    advantages = at(loss.advantages)
    ratio = torch.exp(logp - at(loss.old_logprobs))
    clipped = torch.clamp(ratio, 1 - loss.clip_low, 1 + loss.clip_high)
    return -(at(loss.weights) * torch.minimum(ratio * advantages, clipped * advantages)).sum()


def _clipped_value(loss: ClippedValue, v: Tensor, at: Select) -> Tensor:
    old, returns = at(loss.old_values), at(loss.returns)
    error = (v - returns) ** 2
    if loss.clip_range > 0:
        clipped = torch.clamp(v, old - loss.clip_range, old + loss.clip_range)
        error = torch.maximum(error, (clipped - returns) ** 2)
    return (at(loss.weights) * 0.5 * error).sum()


def _kl(estimator: KlEstimator, d: Tensor) -> Tensor:
    """Schulman 2020, "Approximating KL Divergence"; d = logp - reference_logprobs."""
    match estimator:
        case KlEstimator.K1:
            return d
        case KlEstimator.K2:
            return d**2 / 2
        case KlEstimator.K3:
            return torch.expm1(-d) + d  # exp(-d) - 1 loses all digits where d is small
