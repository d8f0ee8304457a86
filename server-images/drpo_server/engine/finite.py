"""Whether tensors hold finite numbers only, told alike by every process of a group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from drpo_server.engine.group import Group
from drpo_server.engine.whole_tensors import own_part


def magnitudes(*collections: Iterable[Tensor], group: Group) -> list[float]:
    """The largest magnitude in each collection: infinite with an infinity or a NaN in it, 0 without numbers."""
    own = torch.stack([_largest(tensors) for tensors in collections])
    # The other processes hold other parts of the tensors.
    return [float(value) for value in (-group.least(-own)).tolist()]


def first_not_finite(tensors: Mapping[str, Tensor], group: Group) -> str | None:
    """The name of the first tensor that is not finite throughout; None if all are."""
    [largest] = magnitudes(tensors.values(), group=group)
    if math.isfinite(largest):
        return None
    return first_beyond({name: _largest([tensor]) for name, tensor in tensors.items()}, math.inf, group)


def first_beyond(largest: Mapping[str, Tensor], limit: float, group: Group) -> str | None:
    """The first name whose magnitude reaches the limit on any process; None if no one does."""
    reached = -group.least(-torch.stack([value >= limit for value in largest.values()]).to(torch.int64))
    return next((name for name, is_beyond in zip(largest, reached.tolist(), strict=True) if is_beyond), None)


def _largest(tensors: Iterable[Tensor]) -> Tensor:
    """Of what this process holds; on the CPU, float64."""
    parts = [part for part in (own_part(tensor.detach()) for tensor in tensors) if part.numel() > 0]
    if not parts:
        return torch.zeros((), dtype=torch.float64)
    return get_total_norm(parts, math.inf).to("cpu", torch.float64).nan_to_num(nan=math.inf, posinf=math.inf)
