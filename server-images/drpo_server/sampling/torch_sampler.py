"""Samples rollouts with the trainer's own weights, in plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from drpo_server.engine.model import Model
from drpo_server.engine.packed_attention import PackedAttention
from drpo_server.engine.packing import pack
from drpo_server.engine.types import FinishReason, OnProgress, SampleContext, SampledRollout, SamplingParams
from drpo_server.sampling.draw import draw
from drpo_server.sampling.kv_cache import KvCache, PrefillRecorder
from drpo_server.sampling.noise import uniform

DEFAULT_TOKEN_BUDGET = 16384


@dataclass
class _Row:
    """A rollout being written."""

    context_index: int
    continuation_index: int
    context: SampleContext
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def noise(self) -> float:
        """For the next token."""
        return uniform(self.context.seeds[self.continuation_index], self.context.first_position + len(self.token_ids))

    def finished(self, stop_token_ids: frozenset[int]) -> FinishReason | None:
        if self.token_ids[-1] in stop_token_ids:
            return FinishReason.STOP
        return FinishReason.LENGTH if len(self.token_ids) == self.context.max_new_tokens else None


@torch.no_grad()
def sample(
    model: Model,
    contexts: Sequence[SampleContext],
    params: SamplingParams,
    on_rollout: Callable[[SampledRollout], None],
    on_progress: OnProgress,
    token_budget: int = DEFAULT_TOKEN_BUDGET,
) -> None:
    """Draws one rollout for every seed of every context and hands each over as it finishes.

    on_rollout gets rollouts in the order in which they finish (a pure function of the call); on_progress gets
    (rollouts finished, rollouts in all) after every decoded position, and may raise Cancelled.
    token_budget: tokens (context and new ones) whose keys and values are held at once.
    Raises ValueError for a model without a language-model head, or a row longer than the base's context.
    """
    _check(model, contexts, params)
    rows = [_Row(c, s, context) for c, context in enumerate(contexts) for s in range(len(context.seeds))]
    done = 0

    def finish(row: _Row, reason: FinishReason) -> None:
        nonlocal done
        done += 1
        on_rollout(SampledRollout(row.context_index, row.continuation_index, row.token_ids, row.logprobs, reason))

    on_progress(done, len(rows))
    with model.active():
        for wave in _waves(rows, token_budget):
            for _ in _decode(model, wave, params, finish):
                on_progress(done, len(rows))


def _decode(
    model: Model, rows: list[_Row], params: SamplingParams, finish: Callable[[_Row, FinishReason], None]
) -> Iterator[None]:
    """Writes all rows of a wave; yields after every position."""
    network = model.network
    device = next(network.module.parameters()).device
    cache, hidden = _prefill(model, rows)
    while True:
        uniforms = torch.tensor([row.noise() for row in rows], dtype=torch.float64)
        drawn, logprobs = draw(_logits(model, hidden), uniforms.to(device), params)
        tokens = drawn.tolist()
        for row, token, logprob in zip(rows, tokens, logprobs.tolist(), strict=True):
            row.token_ids.append(token)
            row.logprobs.append(logprob)
        reasons = [row.finished(params.stop_token_ids) for row in rows]
        for row, reason in zip(rows, reasons, strict=True):
            if reason is not None:
                finish(row, reason)
        yield
        for place in range(len(rows) - 1, -1, -1):
            if reasons[place] is not None:
                last = cache.remove(place)
                rows[place], tokens[place] = rows[last], tokens[last]
                del rows[last], tokens[last]
        if not rows:
            return
        positions = cache.open_position(network.dtype)
        hidden = network.embed(torch.tensor(tokens, device=device))
        hidden = network.run_blocks(hidden, 0, len(network.blocks), positions, cache)


def _prefill(model: Model, rows: list[_Row]) -> tuple[KvCache, Tensor]:
    """Computes every distinct context token once. Returns the cache and the states of the rows' last context tokens."""
    network, shared = model.network, model.base.query_heads_per_key_head
    device = next(network.module.parameters()).device
    contexts = dict.fromkeys(tuple(row.context.token_ids) for row in rows)
    tokens = [list(context) for context in contexts]
    place = {context: place for place, context in enumerate(contexts)}
    packing = pack(tokens)
    plan = PrefillRecorder(PackedAttention(packing, shared, network.dtype, device))
    token_ids = [tokens[row][position] for row, position in zip(packing.row_of_token, packing.positions, strict=True)]
    hidden = network.embed(torch.tensor(token_ids, device=device))
    positions = torch.tensor(packing.positions, device=device)
    hidden = network.run_blocks(hidden, 0, len(network.blocks), positions, plan)
    paths = [packing.paths[place[tuple(row.context.token_ids)]] for row in rows]
    capacity = max(len(row.context.token_ids) + row.context.max_new_tokens - 1 for row in rows)
    return KvCache(plan, paths, capacity, shared), hidden[torch.tensor([path[-1] for path in paths], device=device)]


def _logits(model: Model, hidden: Tensor) -> Tensor:
    """[rows, hidden] -> [rows, vocabulary]."""
    with model.network.precision():
        normed = model.network.final_norm(hidden)
    return model.network.logits(normed.to(model.network.dtype))


def _waves(rows: list[_Row], token_budget: int) -> Iterator[list[_Row]]:
    """Rows in order, as many at a time as the budget holds, and at least one."""
    wave: list[_Row] = []
    used = 0
    for row in rows:
        tokens = len(row.context.token_ids) + row.context.max_new_tokens
        if wave and used + tokens > token_budget:
            yield wave
            wave, used = [], 0
        wave.append(row)
        used += tokens
    if wave:
        yield wave


def _check(model: Model, contexts: Sequence[SampleContext], params: SamplingParams) -> None:
    if model.head is not model.head.LANGUAGE_MODEL:
        raise ValueError(f"model {model.name!r} has no language-model head to sample from")
    if not params.temperature > 0 or not 0 < params.top_p <= 1 or params.top_k < 0:
        raise ValueError(f"sampling parameters out of range: {params}")
    for index, context in enumerate(contexts):
        if not context.token_ids or context.max_new_tokens < 1:
            raise ValueError(f"context {index}: needs at least one token, and one to generate")
        if max(context.token_ids) >= model.base.vocabulary_size:
            raise ValueError(f"context {index}: token id {max(context.token_ids)} is outside the vocabulary")
        length = len(context.token_ids) + context.max_new_tokens
        if length > model.base.context_tokens:
            raise ValueError(
                f"context {index}: would reach {length} tokens; the base takes {model.base.context_tokens}"
            )
