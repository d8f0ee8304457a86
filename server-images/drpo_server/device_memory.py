"""Memory of the device that computes."""

from __future__ import annotations

import psutil
import torch


def device_memory(device: torch.device) -> tuple[int, int]:
    """(bytes in all, bytes free now)."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total, free
    memory = psutil.virtual_memory()
    return memory.total, memory.available
