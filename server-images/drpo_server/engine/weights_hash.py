"""Hashes that name weights: a model's own, and a base's files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

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


def hash_weight_files(path: Path) -> str:
    """SHA-256 (hexadecimal) over a folder's safetensors files, in order of their names."""
    digest = hashlib.sha256()
    for file in weight_files(path):
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def weight_files(path: Path) -> list[Path]:
    """The safetensors files of a Hugging Face folder, in order of their names. Raises FileNotFoundError without any."""
    files = sorted(path.glob("*.safetensors"))
    if not (path / "config.json").is_file() or not files:
        raise FileNotFoundError(f"{path}: no Hugging Face folder with config.json and safetensors weights")
    return files


def _cpu_bytes(tensor: Tensor) -> bytes:
    flat = whole(tensor.detach()).cpu().contiguous().view(-1).view(torch.uint8)
    return flat.numpy().tobytes()
