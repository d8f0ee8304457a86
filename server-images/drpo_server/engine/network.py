"""A Hugging Face causal language model, run block by block over packed tokens."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from drpo_server.engine.attention import AttentionPlan, use_planned_attention
from drpo_server.engine.group import Group
from drpo_server.engine.lora import AdapterSwitch, LoraLinear
from drpo_server.engine.packed_linear import LARGEST_BYTES, PackedWeight, can_pack
from drpo_server.engine.rms_norm import install_rms_norm
from drpo_server.engine.scope import Scope

T = TypeVar("T")


@dataclass(frozen=True)
class Family:
    """Where an architecture keeps its parts, below the causal language model."""

    body: str
    embedding: str
    final_norm: str
    saved_output_head: str  # key prefix of the output head in the public checkpoints


_LLAMA = Family(body="model", embedding="embed_tokens", final_norm="norm", saved_output_head="lm_head")
_GPT_NEOX = Family(body="gpt_neox", embedding="embed_in", final_norm="final_layer_norm", saved_output_head="embed_out")

FAMILIES: dict[str, Family] = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gpt_neox": _GPT_NEOX,
}


class Network:
    """The modules of one causal language model. Rows travel packed, one token after the other, in a batch of one."""

    def __init__(
        self, module: nn.Module, family: Family, switch: AdapterSwitch, dtype: torch.dtype, *, recompute: bool = False
    ) -> None:
        """recompute: blocks keep only their input, and are computed again in the backward pass (activation
        checkpointing, Chen et al. 2016, arXiv 1604.06174)."""
        self.module = module.eval()
        self.family = family
        self.switch = switch
        self.dtype = dtype
        body = module.get_submodule(family.body)
        self._embedding = body.get_submodule(family.embedding)
        self._rotary = body.get_submodule("rotary_emb")
        self._packed_head: PackedWeight | None = None
        self.scope: Scope | None = None
        """What passes run within, if the weights are sharded."""
        self.recompute = recompute
        use_planned_attention(module)
        install_rms_norm(module)
        self._final_norm = body.get_submodule(family.final_norm)
        self.blocks = list(body.get_submodule("layers").children())

    def copy(self, dtype: torch.dtype) -> Network:
        """Weights of its own. They are held in float32 or wider, and cast for each operation if dtype is narrower."""
        module = copy.deepcopy(self.module).to(torch.promote_types(dtype, torch.float32))
        return Network(module, self.family, AdapterSwitch(), dtype, recompute=self.recompute)

    def shard(self, group: Group) -> None:
        """Spreads the weights over the group, if it has more than one process."""
        if group.size > 1:
            from drpo_server.engine.sharding import shard  # slow to import

            self.scope = Scope(self.module)
            shard(self.scope, self.blocks, group, dtype=self.dtype, scope_dtype=self.dtype)

    def within(self, work: Callable[[], T]) -> T:
        """Does work that uses the weights; its tensors are in lists, tuples or dicts."""
        return work() if self.scope is None else self.scope.within(work)

    def output_weight(self) -> Tensor | None:
        """Weights of the language-model head, [vocabulary, hidden]; None if the folder had none."""
        head: Any = self.module.get_submodule("lm_head")
        return head.weight if isinstance(head, nn.Linear) else None

    def packable_weights(self) -> list[Tensor]:
        """Frozen weights that the CPU's kernels like laid out in their own way; none if a copy would be too large."""
        head = self.output_weight()
        weights = [layer.weight for layer in self._linears()] + ([] if head is None else [head])
        return weights if sum(weight.nbytes for weight in weights) <= LARGEST_BYTES else []

    def pack(self) -> None:
        """Lays the frozen weights out for the CPU, if they are of a kind and size for that."""
        weights, head = self.packable_weights(), self.output_weight()
        if not weights or not all(map(can_pack, weights)):
            return
        for layer in self._linears():
            layer.packed = PackedWeight(layer.weight, layer.bias)
        self._packed_head = None if head is None else PackedWeight(head, None)

    def _linears(self) -> list[LoraLinear]:
        return [module for module in self.module.modules() if isinstance(module, LoraLinear)]

    def logits(self, hidden: Tensor) -> Tensor:
        """Of a few states [states, hidden], after the final norm; [states, vocabulary]."""
        if self._packed_head is not None:
            return self._packed_head.linear(hidden)
        weight = self.output_weight()
        assert weight is not None
        return F.linear(hidden, weight.to(hidden.dtype))

    def precision(self) -> AbstractContextManager[Any]:
        """Where to run: under autocast if the weights are wider than what is computed with."""
        parameter = next(self.module.parameters())
        if parameter.dtype == self.dtype:
            return nullcontext()
        return torch.autocast(parameter.device.type, self.dtype)

    def embed(self, token_ids: Tensor) -> Tensor:
        """[tokens] -> [tokens, hidden]."""
        embedded: Tensor = self._embedding(token_ids)
        return embedded

    def run_blocks(self, hidden: Tensor, first: int, last: int, positions: Tensor, plan: AttentionPlan) -> Tensor:
        """Blocks first to last - 1 on packed tokens. hidden [tokens, hidden]; positions [tokens], in the row."""
        if first == last:
            return hidden
        packed = hidden.unsqueeze(0)
        position_ids = positions.unsqueeze(0)
        rotations = self._rotary(packed, position_ids)
        with self.precision():
            for index in range(first, last):
                packed = self._run_block(
                    index,
                    packed,
                    attention_mask=None,
                    position_ids=position_ids,
                    position_embeddings=rotations,
                    attention_plan=plan,
                )
        return packed.squeeze(0)

    def _run_block(self, index: int, hidden: Tensor, **arguments: Any) -> Tensor:
        adapters, block = self.switch.blocks.get(index), self.blocks[index]
        run: Any = block if adapters is None else partial(adapters, block)
        if self.recompute and torch.is_grad_enabled():
            run = partial(checkpoint, run, use_reentrant=False, preserve_rng_state=False)
        out: Tensor = run(hidden, **arguments)
        return out

    def final_norm(self, hidden: Tensor) -> Tensor:
        """[tokens, hidden] -> [tokens, hidden]."""
        normed: Tensor = self._final_norm(hidden)
        return normed
