"""The processes that compute together: one, unless torchrun started more.

All of them make the same calls in the same order. Nothing that travels between them is pickled: tensors only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

_IDLE_LIMIT = timedelta(days=365)
"""The group that requests travel on waits for the next request. A process that ends is noticed at once all the same."""


@dataclass(frozen=True)
class Group:
    """This process's place among those that compute together. Made by join_group, or alone."""

    rank: int = 0
    size: int = 1
    control: Any = None
    """Process group on the CPU (gloo); None alone."""
    mesh: DeviceMesh | None = None
    """Where weights are sharded; None alone."""

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum over the processes, which give tensors of one shape; where it was."""
        return self._reduced(tensor, dist.ReduceOp.SUM)

    def least(self, tensor: Tensor) -> Tensor:
        """Element-wise minimum over the processes, which give tensors of one shape; where it was."""
        return self._reduced(tensor, dist.ReduceOp.MIN)

    def from_first(self, tensor: Tensor) -> Tensor:
        """The tensor of process 0; the others give one of its shape and type. On the CPU."""
        if self.size > 1:
            dist.broadcast(tensor, 0, group=self.control)
        return tensor

    def bytes_from_first(self, content: bytes) -> bytes:
        """The bytes of process 0; the others give some of the same number."""
        return self.from_first(_as_tensor(content)).numpy().tobytes()

    def bytes_from(self, rank: int, content: bytes) -> bytes:
        """The bytes of that process, whatever the others give."""
        length = torch.tensor([len(content)])
        if self.size > 1:
            dist.broadcast(length, rank, group=self.control)
        own = _as_tensor(content) if self.rank == rank else torch.empty(int(length), dtype=torch.uint8)
        if self.size > 1:
            dist.broadcast(own, rank, group=self.control)
        return own.numpy().tobytes()

    def to_first(self, content: bytes) -> list[bytes]:
        """What every process gives, in order of rank, on process 0; elsewhere nothing."""
        if self.size == 1:
            return [content]
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(content)
        lengths = self.sum(lengths)
        own = torch.zeros(int(lengths.max()) + 1, dtype=torch.uint8)
        own[: len(content)] = _as_tensor(content)
        parts = [torch.empty_like(own) for _ in range(self.size)] if self.rank == 0 else []
        dist.gather(own, parts or None, 0, group=self.control)
        return [part[:length].numpy().tobytes() for part, length in zip(parts, lengths.tolist(), strict=False)]

    def _reduced(self, tensor: Tensor, operation: Any) -> Tensor:
        if self.size == 1:
            return tensor
        reduced = tensor.to("cpu", copy=True)
        dist.all_reduce(reduced, operation, group=self.control)
        return reduced.to(tensor.device)


ALONE = Group()


def _as_tensor(content: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())


def join_group(device: torch.device) -> Group:
    """Joins the processes that torchrun started; blocks until all have come. Weights are sharded on `device`."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    size = dist.get_world_size()
    control: Any = dist.new_group(backend="gloo", timeout=_IDLE_LIMIT)
    return Group(dist.get_rank(), size, control, init_device_mesh(device.type, (size,)))
