"""Memory of the device that computes."""

from __future__ import annotations

import psutil
import torch

from drpo_server.cgroup_memory import cgroup_memory
from drpo_server.engine.allocator import freed_bytes


def device_memory(device: torch.device) -> tuple[int, int]:
    """(bytes in all, bytes free now); in a container, of what it may have."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total, free
    memory = psutil.virtual_memory()
    limit, below = cgroup_memory() or (memory.total, memory.available)
    return min(memory.total, limit), min(memory.available, below)


def usable_memory(device: torch.device, sharing: int = 1) -> int:
    """Bytes that this process can still fill: what is free, and what it freed itself and keeps for later.

    sharing: processes of this kind that share the machine's memory, if the device is its CPU.
    """
    _, free = device_memory(device)
    if device.type == "cuda":
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free // sharing + freed_bytes()
