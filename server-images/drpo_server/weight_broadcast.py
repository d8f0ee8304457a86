"""Weights broadcast from a trainer to samplers, by torch.distributed: gloo between CPUs, NCCL between GPUs.

Both sides make their process group here. It belongs to nobody else: a worker of vLLM and a trainer under torchrun have
groups of their own besides. Tensors travel as they are; nothing is pickled. But nothing is encrypted either, and nobody
is asked for a token: this is for a network that only the machines of a run can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as _distributed
from torch import Tensor

dist: Any = _distributed  # its classes of groups and stores are not in its type stubs

JOIN_TIMEOUT = timedelta(minutes=5)
"""How long a member waits for the others, and for a tensor."""


@dataclass(frozen=True)
class Members:
    """As WeightGroup of the API."""

    master_address: str
    master_port: int
    world_size: int


class BroadcastGroup:
    """A member of a group. Rank 0 sends and listens at the group's address."""

    def __init__(self, members: Members, rank: int, device: torch.device, timeout: timedelta = JOIN_TIMEOUT) -> None:
        """Waits for all members. Raises RuntimeError (or its subclass DistStoreError) if they do not come in time, or
        if the port is taken."""
        store = dist.TCPStore(
            members.master_address,
            members.master_port,
            world_size=members.world_size,
            is_master=rank == 0,
            timeout=timeout,
            wait_for_workers=True,
        )
        self._store = store
        self._members = _process_group(store, rank, members.world_size, device, timeout)
        self._options = dist.BroadcastOptions()
        self._options.rootRank = 0

    def broadcast(self, tensor: Tensor) -> None:
        """Sends the tensor (rank 0), or overwrites it with what was sent; contiguous, on the group's device."""
        self._members.broadcast([tensor], self._options).wait()

    def close(self) -> None:
        """Leaves the group."""
        self._members.shutdown()
        del self._members, self._store


def _process_group(store: Any, rank: int, world_size: int, device: torch.device, timeout: timedelta) -> Any:
    if device.type == "cuda":
        options = dist.ProcessGroupNCCL.Options()
        options._timeout = timeout
        return dist.ProcessGroupNCCL(store, rank, world_size, options)
    return dist.ProcessGroupGloo(store, rank, world_size, timeout)
