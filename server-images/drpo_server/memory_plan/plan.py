"""Adds up what models and batches need: nothing is loaded, and every shape is that of the engine's own modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from drpo_server.engine.base import Base
from drpo_server.engine.token_logprobs import LOGITS_BYTES
from drpo_server.engine.types import Head
from drpo_server.memory_plan.activations import pass_bytes
from drpo_server.memory_plan.meta_base import meta_base
from drpo_server.memory_plan.request import TURNS, Item, Plan, PlannedModel, Serving, Workload

_RUNTIME = {"cpu": (256 << 20, 0.25)}
_RUNTIME_ELSEWHERE = (512 << 20, 0.1)
"""Bytes of libraries and of requests under way, and what an allocator loses between blocks, as a share of what comes
and goes. On a CPU as measured (docs/serving.md), elsewhere assumed."""

_LOGIT_BYTES_WHILE_SAMPLING = 24
"""Of one logit: itself, shifted, its exponential, and their sum in float64; see sampling/draw.py."""


def plan_memory(models: Sequence[PlannedModel], workload: Workload, serving: Serving) -> Plan:
    """What a process of the server needs. Raises ValueError for an architecture or a target that the
    engine lacks."""
    bases = {
        path: meta_base(path, serving.dtype, recompute=serving.activation_checkpointing)
        for path in dict.fromkeys(model.base for model in models)
    }
    items: list[Item] = []
    for path, base in bases.items():
        items += _of_base(path, base, serving)
    for model in models:
        items += _of_model(model, bases[model.base], serving)
    if models:
        items += _of_batches(models, bases, workload, serving)
    items.append(_runtime(items, serving))
    return Plan(tuple(item for item in items if item.bytes > 0))


def base_bytes(path: Path, serving: Serving) -> int:
    """What a process holds of a base that is loaded."""
    return sum(item.bytes for item in _of_base(path, meta_base(path, serving.dtype), serving))


def _runtime(items: Sequence[Item], serving: Serving) -> Item:
    fixed, share = _RUNTIME.get(serving.device, _RUNTIME_ELSEWHERE)
    comes_and_goes = max((item.bytes for item in items if item.kind in TURNS), default=0)
    return Item("runtime", "", fixed + int(share * comes_and_goes))


def _of_base(path: Path, base: Base, serving: Serving) -> Iterator[Item]:
    name = _base_name(path)
    yield Item("weights", name, _weight_bytes(base) // serving.processes)
    if serving.device == "cpu" and serving.dtype == torch.float32 and serving.processes == 1:
        packed = sum(weight.nbytes for weight in base.network.packable_weights())
        yield Item("weights", f"{name}, laid out for the CPU", packed)


def _of_model(model: PlannedModel, base: Base, serving: Serving) -> Iterator[Item]:
    own = _own_weights(model, base) * _wide(serving.dtype).itemsize // serving.processes
    yield Item("weights" if model.lora is None else "adapters", model.name, own)
    if model.trainable:
        # Those accumulated, and those of a pass under way or what the step computes with.
        yield Item("gradients", model.name, 2 * own)
        yield Item("optimizer state", model.name, 2 * own)


def _of_batches(
    models: Sequence[PlannedModel], bases: dict[Path, Base], workload: Workload, serving: Serving
) -> Iterator[Item]:
    if workload.training_row_tokens > 0:
        kept = max(_kept_bytes(model, bases[model.base], workload, serving) for model in models)
        yield Item("kept batches", "", kept)
        passes = [
            _Pass(model, bases[model.base], _fitting(workload.training_row_tokens, bases[model.base]), serving)
            for model in models
        ]
        largest = max(passes, key=lambda one: one.bytes())
        yield Item("activations", largest.model.name, largest.bytes())
    sampled = [model for model in models if model.head is Head.LANGUAGE_MODEL]
    if workload.sampling_rows > 0 and sampled:
        yield Item("KV cache", "", max(_sampling_bytes(bases[model.base], workload, serving) for model in sampled))


def _own_weights(model: PlannedModel, base: Base) -> int:
    """Number of weights."""
    score = base.hidden_size + 1 if model.head is Head.SCALAR else 0
    if model.lora is None:
        return sum(parameter.numel() for parameter in base.network.module.parameters()) + score
    known = base.linear_names()
    targets = model.lora.target_modules or known
    unknown = sorted(set(targets) - set(known))
    if unknown:
        raise ValueError(f"target_modules {unknown} are not linear layers of a block; known: {list(known)}")
    layers = base.linears(0, tuple(targets)).values()
    return model.lora.rank * _trained_blocks(model, base) * sum(n.in_features + n.out_features for n in layers) + score


def _trained_blocks(model: PlannedModel, base: Base) -> int:
    """Blocks that a backward pass goes through."""
    return base.n_blocks if model.lora is None else min(model.lora.last_blocks or base.n_blocks, base.n_blocks)


def _kept_bytes(model: PlannedModel, base: Base, workload: Workload, serving: Serving) -> int:
    """States below the first adapted block, of every row that is kept; each process keeps its rows."""
    if _trained_blocks(model, base) == base.n_blocks:
        return 0
    rows = -(-workload.kept_rows // serving.processes)
    return rows * _fitting(workload.training_row_tokens, base) * base.hidden_size * serving.dtype.itemsize


@dataclass(frozen=True)
class _Pass:
    """The largest micro-batch of one model, forward and, if it is trainable, backward."""

    model: PlannedModel
    base: Base
    row_tokens: int
    serving: Serving

    def bytes(self) -> int:
        tokens = max(self.serving.token_budget, self.row_tokens)
        blocks = _trained_blocks(self.model, self.base)
        passed = pass_bytes(self.base, self.model.lora, tokens=tokens, blocks=blocks, gradients=self.model.trainable)
        most = max(passed.forward + self._head_bytes(tokens), passed.most)
        states = tokens * self.base.hidden_size * self.serving.dtype.itemsize
        masks = _mask_bytes(self.base, tokens, self.row_tokens, self.serving.dtype)
        return states + masks + most + self._cast_bytes() + _gathered_bytes(self.base, self.serving)

    def _head_bytes(self, tokens: int) -> int:
        """Of the final norm and what is read from it: for log-probs, chunks of logits, and rows of the head's size."""
        if self.model.head is Head.SCALAR:
            return 3 * tokens * self.base.hidden_size * _wide(self.serving.dtype).itemsize
        head = self.base.network.output_weight()
        table = 0 if head is None else head.numel() * _wide(self.serving.dtype).itemsize
        trains_head = self.model.lora is None and self.model.trainable
        rows = 8 * tokens * self.base.hidden_size * _wide(self.serving.dtype).itemsize
        return 3 * LOGITS_BYTES + rows + (2 * table if trains_head else 0)

    def _cast_bytes(self) -> int:
        """Weights of a full copy that are wider than what is computed with are cast, and kept for the backward pass."""
        if self.model.lora is not None or self.serving.dtype == _wide(self.serving.dtype):
            return 0
        return _weight_bytes(self.base) // self.serving.processes


def _sampling_bytes(base: Base, workload: Workload, serving: Serving) -> int:
    """A wave of rows: contexts that share nothing and leave room for one token are the most that they can take."""
    row = _fitting(workload.sampling_row_tokens, base)
    rows = min(workload.sampling_rows, max(1, serving.sampling_token_budget // row))
    tokens = rows * max(1, row - 1)
    cache = tokens * _bytes_per_cached_token(base, serving.dtype)
    prefill = pass_bytes(base, None, tokens=tokens, blocks=1, gradients=False).most
    prefill += _mask_bytes(base, tokens, row, serving.dtype)
    logits = rows * base.vocabulary_size * _LOGIT_BYTES_WHILE_SAMPLING
    whole = _weight_bytes(base) - _weight_bytes(base) // serving.processes
    return cache + max(prefill, cache, logits) + whole


def _fitting(row_tokens: int, base: Base) -> int:
    """A longer row is cut or refused before it comes to this base."""
    return min(row_tokens, base.context_tokens)


def _bytes_per_cached_token(base: Base, dtype: torch.dtype) -> int:
    config: Any = base.network.module.config
    heads = config.num_attention_heads // base.query_heads_per_key_head
    size: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * base.n_blocks * heads * size * dtype.itemsize)


def _mask_bytes(base: Base, tokens: int, row_tokens: int, dtype: torch.dtype) -> int:
    """Rows that share nothing: each token's row of the mask, for the query heads of one key head."""
    return tokens * row_tokens * base.query_heads_per_key_head * dtype.itemsize


def _gathered_bytes(base: Base, serving: Serving) -> int:
    """Sharded weights that are whole while they are used: two blocks, as the next is fetched early, and all that is in
    no block."""
    if serving.processes == 1:
        return 0
    of_blocks = sum(parameter.nbytes for block in base.network.blocks for parameter in block.parameters())
    return 2 * of_blocks // base.n_blocks + _weight_bytes(base) - of_blocks


def _weight_bytes(base: Base) -> int:
    return sum(parameter.nbytes for parameter in base.network.module.parameters())


def _wide(dtype: torch.dtype) -> torch.dtype:
    """What a model's own weights are held in."""
    return torch.promote_types(dtype, torch.float32)


def _base_name(path: Path) -> str:
    return path.stem if path.is_file() and path.stem != "config" else (path.parent if path.is_file() else path).name
