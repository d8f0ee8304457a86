"""Low-rank updates W + (alpha / rank) B A of frozen linear layers (Hu et al. 2021, arXiv 2106.09685).

The layers hold no adapter: a switch says whose updates count for the pass under way, so that any number of models share
one base and deleting a model frees its updates. A model's updates of one block are a module that runs the block, so
that what is done with modules (sharding, recomputing) can be done with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drpo_server.engine.packed_linear import PackedWeight
from drpo_server.engine.whole_tensors import whole

_PEFT_PREFIX = "base_model.model."


class LoraPair(nn.Module):
    """The update of one layer."""

    def __init__(self, a: nn.Parameter, b: nn.Parameter, scale: float) -> None:
        """a [rank, in], b [out, rank]."""
        super().__init__()
        self.a = a
        self.b = b
        self.scale = scale

    def delta(self) -> Tensor:
        """scale * B A, [out, in]."""
        return (whole(self.b) @ whole(self.a)).mul_(self.scale).detach()


class BlockAdapters(nn.Module):
    """The updates of one block's layers, by the layers' full names."""

    def __init__(self, switch: AdapterSwitch) -> None:
        super().__init__()
        self.pairs: dict[str, LoraPair] = {}
        self._switch = switch
        self._registered = nn.ModuleList()

    def add(self, layer: str, pair: LoraPair) -> None:
        self.pairs[layer] = pair
        self._registered.append(pair)

    def forward(self, block: nn.Module, hidden: Tensor, **arguments: Any) -> Any:
        """What the block makes of its arguments with these updates."""
        with self._switch.using(self.pairs):
            return block(hidden, **arguments)


class AdapterSwitch:
    """Names the updates that count now: none, unless inside `using` or `around`."""

    def __init__(self) -> None:
        self.active: Mapping[str, LoraPair] = {}
        self.blocks: Mapping[int, BlockAdapters] = {}
        """Adapters that run a block in its place."""

    @contextmanager
    def using(self, pairs: Mapping[str, LoraPair]) -> Iterator[None]:
        """Applies these updates, by the layers' full names, until the block ends; the ones before come back."""
        before = self.active
        self.active = pairs
        try:
            yield
        finally:
            self.active = before

    @contextmanager
    def around(self, blocks: Mapping[int, BlockAdapters]) -> Iterator[None]:
        """Applies the updates of these blocks, by their index, until the block ends; the ones before come back."""
        before = self.blocks
        self.blocks = blocks
        try:
            yield
        finally:
            self.blocks = before


class LoraLinear(nn.Linear):
    """A frozen linear layer that adds the update which the switch names, if any. Its state keys are nn.Linear's."""

    def __init__(self, linear: nn.Linear, name: str, switch: AdapterSwitch) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        self.weight = linear.weight
        self.bias = linear.bias
        self.name = name
        self.switch = switch
        self.packed: PackedWeight | None = None

    def forward(self, input: Tensor) -> Tensor:
        flat = input.flatten(0, -2)
        out = self.packed.linear(flat) if self.packed else F.linear(flat, self.weight, self.bias)
        pair = self.switch.active.get(self.name)
        if pair is not None:
            reduced = F.linear(flat, pair.a.to(flat.dtype))
            # In place: a linear layer's output is needed by nobody else, and its backward does not read it.
            out = out.addmm_(reduced, pair.b.to(flat.dtype).t(), alpha=pair.scale)
        shaped: Tensor = out.unflatten(0, input.shape[:-1])
        return shaped


def install_lora(module: nn.Module, layers: str, switch: AdapterSwitch) -> tuple[str, ...]:
    """Puts a LoraLinear in the place of every linear layer below `layers`, the path of a module's list of blocks.

    Returns the layers' names inside a block ("self_attn.q_proj"), in the order of the first block.
    """
    blocks = module.get_submodule(layers)
    for path, child in list(blocks.named_modules()):
        if isinstance(child, nn.Linear):
            parent, _, attribute = path.rpartition(".")
            setattr(blocks.get_submodule(parent), attribute, LoraLinear(child, f"{layers}.{path}", switch))
    first = next(blocks.children())
    return tuple(path for path, child in first.named_modules() if isinstance(child, LoraLinear))


def random_a(rank: int, in_features: int, generator: torch.Generator) -> Tensor:
    """Kaiming-uniform A as PEFT draws it (a = sqrt 5: uniform within 1 / sqrt(in)), float32 [rank, in], on the CPU."""
    bound = 1 / math.sqrt(in_features)
    return torch.empty(rank, in_features, dtype=torch.float32).uniform_(-bound, bound, generator=generator)


def peft_keys(layer: str) -> tuple[str, str]:
    """PEFT's names of A and B for a layer's full name."""
    return f"{_PEFT_PREFIX}{layer}.lora_A.weight", f"{_PEFT_PREFIX}{layer}.lora_B.weight"
