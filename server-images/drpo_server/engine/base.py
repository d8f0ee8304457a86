"""A resident base: the frozen weights of a Hugging Face causal language model, shared by every adapter."""

from __future__ import annotations

from pathlib import Path

import torch


class Base:
    """Frozen weights, loaded once. Made by load_base."""

    path: Path
    base_hash: str
    """SHA-256 (hexadecimal) over the folder's safetensors files, in order of their names."""
    vocabulary_size: int
    context_tokens: int
    n_blocks: int
    hidden_size: int

    def linear_names(self) -> tuple[str, ...]:
        """Names of the linear layers inside a block, such as "q_proj", in the order of the block."""
        raise NotImplementedError


def load_base(path: Path, device: torch.device, dtype: torch.dtype) -> Base:
    """Reads a Hugging Face folder with safetensors weights (pickles are never read).

    Also takes a sequence classifier with one label, whose `score.weight` becomes the first weights of scalar heads.
    Raises FileNotFoundError if the folder or its safetensors are missing, ValueError for an architecture that is
    neither Llama-like nor GPT-NeoX, or weights that are missing.
    """
    raise NotImplementedError
