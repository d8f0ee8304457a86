"""Weights as plain tensors, whether they are spread over processes (DTensor) or not."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, on its device. Sharded ones are gathered: every process must ask for the same ones in order."""
    sharded: Any = tensor
    full: Tensor = sharded.full_tensor() if is_sharded(tensor) else tensor
    return full


def like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """A whole tensor with the parameter's device and type; this process's part of it if the parameter is sharded. One
    that is sharded must be so in the same way."""
    moved = tensor.to(parameter.device, parameter.dtype)
    if not is_sharded(parameter) or is_sharded(tensor):
        return moved
    # It takes half a second to import, which one process need not wait for.
    from torch.distributed.tensor import distribute_tensor

    spread: Any = parameter
    return distribute_tensor(moved, spread.device_mesh, spread.placements, src_data_rank=None)


def own_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: all of it, unless it is sharded. It may have no numbers."""
    sharded: Any = tensor
    part: Tensor = sharded.to_local() if is_sharded(tensor) else tensor
    return part


def is_sharded(tensor: Tensor) -> bool:
    """Whether it is spread over processes."""
    return hasattr(tensor, "full_tensor")
