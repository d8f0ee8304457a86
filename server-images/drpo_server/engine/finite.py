"""Whether tensors hold finite numbers only, told alike by every process of a group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from drpo_server.engine.group import Group
from drpo_server.engine.whole_tensors import own_part

_ROUNDED_UP = 1.02
"""More than the two roundings of a norm in bfloat16."""


def magnitude_bounds(*collections: Iterable[Tensor], group: Group) -> list[float]:
    """A number that no magnitude in each collection exceeds: infinite with an infinity or a NaN in it.

    It is the L2 norm, which is some ten times faster than the largest magnitude, and infinite where squares overflow.
    """
    own = torch.stack([_l2_norm(tensors) for tensors in collections])
    # The other processes hold other parts of the tensors.
    return [float(value) for value in (-group.least(-own)).tolist()]


def first_not_finite(tensors: Mapping[str, Tensor], group: Group) -> str | None:
    """The name of the first tensor that is not finite throughout; None if all are."""
    [bound] = magnitude_bounds(tensors.values(), group=group)
    if math.isfinite(bound):
        return None
    return first_beyond({name: _largest([tensor]) for name, tensor in tensors.items()}, math.inf, group)


def first_beyond(largest: Mapping[str, Tensor], limit: float, group: Group) -> str | None:
    """The first name whose magnitude reaches the limit on any process; None if no one does."""
    reached = -group.least(-torch.stack([value >= limit for value in largest.values()]).to(torch.int64))
    return next((name for name, is_beyond in zip(largest, reached.tolist(), strict=True) if is_beyond), None)


def _l2_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Of what this process holds; on the CPU, float64. A little more, as norms of narrow types are rounded."""
    return _norm(tensors, 2.0) * _ROUNDED_UP


def _largest(tensors: Iterable[Tensor]) -> Tensor:
    """Of what this process holds; on the CPU, float64."""
    return _norm(tensors, math.inf)


def _norm(tensors: Iterable[Tensor], order: float) -> Tensor:
    parts = [part for part in (own_part(tensor.detach()) for tensor in tensors) if part.numel() > 0]
    if not parts:
        return torch.zeros((), dtype=torch.float64)
    return get_total_norm(parts, order).to("cpu", torch.float64).nan_to_num(nan=math.inf, posinf=math.inf)
