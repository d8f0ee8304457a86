"""The losses of trainer_service.proto, as written there: plain sums of the client's terms.

x is what a loss is computed from (logp, v or s); [...] below selects the client's arrays at the entries present in a
micro-batch. A term with weight 0 adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from drpo_server.engine.types import (
    BradleyTerry,
    ClippedSurrogate,
    ClippedValue,
    CrossEntropy,
    Kl,
    KlEstimator,
    Linear,
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
        case CrossEntropy() | ClippedSurrogate() | Kl():
            return Output.LOGPROBS
        case ClippedValue():
            return Output.VALUES
        case BradleyTerry() | RankedGroup():
            return Output.SCORES
        case SquaredError(output=output) | Linear(output=output):
            return output


def weights_of(loss: Loss, entries: int) -> Tensor:
    """What multiplies each entry of x: where it is 0, x need not be computed. Comparisons of rows need every row that
    they name; [entries]."""
    match loss:
        case Linear():
            return loss.coefficients
        case BradleyTerry():
            needed = torch.zeros(entries)
            compared = loss.weights != 0
            needed[loss.preferred_rows[compared]] = 1
            needed[loss.rejected_rows[compared]] = 1
            return needed
        case RankedGroup():
            return torch.repeat_interleave((loss.weights != 0).float(), loss.group_sizes)
        case _:
            return loss.weights


def compares_rows(loss: Loss) -> bool:
    """Whether a term reads several rows, so that it may span micro-batches."""
    return isinstance(loss, BradleyTerry | RankedGroup)


def loss_sum(loss: Loss, x: Tensor, at: Select) -> Tensor:
    """The sum of the loss's terms over the entries in x (all rows, if the loss compares rows). Scalar, of x's dtype."""
    match loss:
        case CrossEntropy():
            return -(at(loss.weights) * x).sum()
        case ClippedSurrogate():
            return _clipped_surrogate(loss, x, at)
        case ClippedValue():
            return _clipped_value(loss, x, at)
        case BradleyTerry():
            s = x
            return -(loss.weights.to(s) * F.logsigmoid(s[loss.preferred_rows] - s[loss.rejected_rows])).sum()
        case RankedGroup():
            return _ranked_group(loss, x)
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


def _ranked_group(loss: RankedGroup, s: Tensor) -> Tensor:
    """Bradley and Terry 1952 over every two rows of a group whose ratings differ."""
    total = s.new_zeros(())
    weights = loss.weights.to(s)
    ratings = loss.ratings.to(s.device)
    row = 0
    for group, size in enumerate(loss.group_sizes.tolist()):
        scores, rated = s[row : row + size], ratings[row : row + size]
        preferred, rejected = torch.nonzero(rated[:, None] > rated[None, :], as_tuple=True)
        total = total - weights[group] * F.logsigmoid(scores[preferred] - scores[rejected]).sum()
        row += size
    return total


def _kl(estimator: KlEstimator, d: Tensor) -> Tensor:
    """Schulman 2020, "Approximating KL Divergence"; d = logp - reference_logprobs."""
    match estimator:
        case KlEstimator.K1:
            return d
        case KlEstimator.K2:
            return d**2 / 2
        case KlEstimator.K3:
            return torch.exp(-d) - 1 + d
