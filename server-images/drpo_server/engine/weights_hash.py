"""The hash that names a model's own weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from drpo_server.engine.whole_tensors import whole


def hash_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 (hexadecimal) over the sorted names and bytes of a model's own weights: a version's `weights_hash`."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(memoryview(_cpu_bytes(weights[name])))
    return digest.hexdigest()


def _cpu_bytes(tensor: Tensor) -> bytes:
    flat = whole(tensor.detach()).cpu().contiguous().view(-1).view(torch.uint8)
    return flat.numpy().tobytes()
