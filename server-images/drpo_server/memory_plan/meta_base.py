"""A base without memory: the engine's own, on PyTorch's meta device, where tensors have shapes and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from drpo_server.engine.base import Base, load_config
from drpo_server.engine.group import ALONE
from drpo_server.engine.lora import AdapterSwitch
from drpo_server.engine.network import FAMILIES, Network


def meta_base(path: Path, dtype: torch.dtype, *, recompute: bool = False) -> Base:
    """From a folder's config.json alone. recompute: see Network.

    Raises ValueError for an architecture that the engine does not know.
    """
    config = load_config(path)
    if config.model_type not in FAMILIES:
        raise ValueError(
            f"{path}: unsupported architecture {config.model_type!r}; known: {', '.join(sorted(FAMILIES))}"
        )
    with torch.device("meta"):
        module: Any = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    if any(name.endswith("ForSequenceClassification") for name in config.architectures or []):
        module.lm_head = nn.Identity()
    module.requires_grad_(False)
    network = Network(module, FAMILIES[config.model_type], AdapterSwitch(), dtype, recompute=recompute)
    return Base(path=path, base_hash="", network=network, first_head={}, group=ALONE)
