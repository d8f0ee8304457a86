"""Memory of a pass over some tokens: the engine's own blocks run on the meta device, and what is alive is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drpo_server.engine.base import Base
from drpo_server.engine.model import Model
from drpo_server.engine.types import Head, LoraShape
from drpo_server.memory_plan.live_bytes import LiveBytes


@dataclass(frozen=True)
class PassBytes:
    """Of one pass through some blocks."""

    forward: int
    """Alive when the last block is through."""
    most: int
    """The most alive, the backward pass included."""

    def extended(self, one_more: PassBytes, times: int) -> PassBytes:
        """With so many more blocks, given what one more makes of it."""
        return PassBytes(
            self.forward + times * (one_more.forward - self.forward), self.most + times * (one_more.most - self.most)
        )


def pass_bytes(base: Base, lora: LoraShape | None, *, tokens: int, blocks: int, gradients: bool) -> PassBytes:
    """A pass of packed tokens through the last so many blocks. lora None: all weights are trained, not an adapter's.

    Every block takes the same, so two are measured at most.
    """
    one = _measure(base, lora, tokens, 1, gradients)
    return one if blocks == 1 else one.extended(_measure(base, lora, tokens, 2, gradients), blocks - 1)


def _measure(base: Base, lora: LoraShape | None, tokens: int, blocks: int, gradients: bool) -> PassBytes:
    network = base.network
    adapter = None if lora is None else LoraShape(lora.rank, lora.alpha, lora.target_modules, last_blocks=blocks)
    network.module.requires_grad_(adapter is None and gradients)
    model = (
        None
        if adapter is None
        else Model(name="", base=base, lora=adapter, head=Head.SCALAR, trainable=gradients, seed=0)
    )
    positions = torch.arange(tokens, device="meta")
    hidden = torch.empty(tokens, base.hidden_size, device="meta", dtype=network.dtype)
    before = hidden.nbytes + positions.nbytes
    with LiveBytes() as live, torch.set_grad_enabled(gradients):
        first = base.n_blocks - blocks
        if model is None:
            out = network.run_blocks(hidden, first, base.n_blocks, positions, _MetaAttention())
        else:
            with model.active():
                out = network.run_blocks(hidden, first, base.n_blocks, positions, _MetaAttention())
        forward = live.now
        if gradients:
            torch.autograd.backward(out, torch.empty_like(out))
    network.module.requires_grad_(False)
    return PassBytes(before + forward, before + live.most)


class _MetaAttention:
    """An AttentionPlan that keeps for the backward pass what the fused kernels keep: no scores."""

    def attend(self, block: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:  # noqa: ARG002
        out: Tensor = _FusedAttention.apply(query, key, value)  # type: ignore[no-untyped-call]
        return out


class _FusedAttention(torch.autograd.Function):
    """Rows are gathered from the packed tokens, attended to, and put back; each way is a copy."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        gathered = (query.clone(), key.clone(), value.clone())
        stacked, out = query.clone(), torch.empty_like(query)
        ctx.save_for_backward(stacked, *gathered[1:], out, query.new_empty(query.shape[:2], dtype=torch.float32))
        rows = out.clone()
        return rows.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, out, _ = ctx.saved_tensors
        rows = gradients[0].clone()
        stacked = rows.clone()
        of_gathered = [torch.empty_like(tensor) for tensor in (query, key, value, out)]
        back = (torch.empty_like(query), torch.empty_like(key), torch.empty_like(value))
        del stacked, of_gathered
        return back
