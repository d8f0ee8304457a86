"""Attention over packed rows: each block hands its queries, keys and values to a plan, which knows the rows."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface

_NAME = "drpo_planned"


class AttentionPlan(Protocol):
    """Which packed token attends to which."""

    def attend(self, block: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        """query [tokens, heads, head size], key and value [tokens, key heads, head size] -> like query."""
        ...


def _planned_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    *,
    attention_plan: AttentionPlan,
    **_: Any,
) -> tuple[Tensor, None]:
    """Hugging Face's attention interface: query [1, heads, tokens, head size] -> [1, tokens, heads, head size]."""
    block: Any = module.layer_idx
    out = attention_plan.attend(
        block, query[0].transpose(0, 1), key[0].transpose(0, 1), value[0].transpose(0, 1), scaling
    )
    return out.unsqueeze(0), None


def use_planned_attention(module: nn.Module) -> None:
    """Makes every attention layer of a Hugging Face model ask the plan that its block is called with."""
    AttentionInterface.register(_NAME, _planned_attention)
    config: Any = module.config
    config._attn_implementation = _NAME


def grouped_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
    """Softmax attention of padded rows; query heads that share a key head are stacked as queries, so that keys and
    values are never repeated.

    query [rows, queries, heads, head size]; key, value [rows, keys, key heads, head size]; mask: None (every query sees
    every key), or added to the scores, [rows, 1, queries * heads / key heads, keys], made by stacked_mask.
    """
    rows, queries, heads, size = query.shape
    key_heads = key.shape[2]
    shared = heads // key_heads
    stacked = query.view(rows, queries, key_heads, shared, size).permute(0, 2, 3, 1, 4)
    out = F.scaled_dot_product_attention(
        stacked.reshape(rows, key_heads, shared * queries, size),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=mask,
        scale=scaling,
    )
    out = out.view(rows, key_heads, shared, queries, size).permute(0, 3, 1, 2, 4)
    return out.reshape(rows, queries, heads, size)


def stacked_mask(allowed: Tensor, shared: int, dtype: torch.dtype) -> Tensor:
    """What grouped_attention adds to its scores. allowed: bool [rows, queries, keys]; shared: heads / key heads."""
    rows, queries, keys = allowed.shape
    added = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill_(~allowed, float("-inf"))
    return added.unsqueeze(1).expand(rows, shared, queries, keys).reshape(rows, 1, shared * queries, keys)
