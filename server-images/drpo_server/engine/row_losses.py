"""The losses of trainer_service.proto that compare rows. Each is a function of one number a row: its score s, or d, the
sum over its span of (logp - given log-probabilities)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from drpo_server.engine.types import BradleyTerry, Dpo, LogRatioDifference, RankedGroup, RowLoss


def compared_rows(loss: RowLoss) -> Tensor:
    """Rows that a comparison of non-zero weight names; a row may come several times; int64."""
    match loss:
        case BradleyTerry() | Dpo():
            named = (loss.preferred_rows, loss.rejected_rows)
        case LogRatioDifference():
            named = (loss.first_rows, loss.second_rows)
        case RankedGroup():
            return torch.repeat_interleave(loss.weights != 0, loss.group_sizes).nonzero().squeeze(1)
    return torch.cat([rows[loss.weights != 0] for rows in named])


def row_loss_sum(loss: RowLoss, x: Tensor, span_lengths: Tensor) -> Tensor:
    """The sum of the loss's terms. Scalar, of x's dtype.
    x: s or logp of the whole batch, with anything finite in rows that are not compared; [rows] or [sum(span_lengths)]
    span_lengths: [rows]"""
    match loss:
        case BradleyTerry():
            return _preferences(loss.weights, x[loss.preferred_rows] - x[loss.rejected_rows])
        case RankedGroup():
            return torch.stack([_preferences(weight, margins) for weight, margins in _group_margins(loss, x)]).sum()
        case Dpo():
            d = _span_sums(x - loss.reference_logprobs.to(x), span_lengths)
            margins = loss.beta * (d[loss.preferred_rows] - d[loss.rejected_rows])
            right, wrong = _preferences(loss.weights, margins), _preferences(loss.weights, -margins)
            return (1 - loss.label_smoothing) * right + loss.label_smoothing * wrong
        case LogRatioDifference():
            d = _span_sums(x - loss.base_logprobs.to(x), span_lengths)
            error = d[loss.first_rows] - d[loss.second_rows] - loss.targets.to(x)
            return (loss.weights.to(x) * 0.5 * error**2).sum()


def _preferences(weights: Tensor, margins: Tensor) -> Tensor:
    """Bradley and Terry 1952: - sum weights * log sigmoid(margins)."""
    return -(weights.to(margins) * F.logsigmoid(margins)).sum()


def _group_margins(loss: RankedGroup, s: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each group its weight, and s[i] - s[j] for every two rows with rating i above rating j; [], [comparisons]."""
    sizes = loss.group_sizes.tolist()
    for weight, scores, ratings in zip(loss.weights, s.split(sizes), loss.ratings.split(sizes), strict=True):
        preferred, rejected = torch.nonzero(ratings[:, None] > ratings[None, :], as_tuple=True)
        yield weight, scores[preferred] - scores[rejected]


def _span_sums(per_token: Tensor, span_lengths: Tensor) -> Tensor:
    """[rows] from [sum(span_lengths)]. Span by span, as a scatter on a GPU adds in an order of its own each time."""
    return torch.stack([span.sum() for span in per_token.split(span_lengths.tolist())])
