"""Samples rollouts with the trainer's own weights, in plain PyTorch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from drpo_server.engine.model import Model
from drpo_server.engine.packed_attention import PackedAttention
from drpo_server.engine.packing import pack
from drpo_server.engine.types import FinishReason, OnProgress, SampleContext, SampledRollout, SamplingParams
from drpo_server.sampling.draw import draw
from drpo_server.sampling.kv_cache import KvCache, PrefillRecorder
from drpo_server.sampling.noise import uniform
from drpo_server.sampling.sent_rollouts import decode_rollouts, encode_rollouts

DEFAULT_TOKEN_BUDGET = 16384

T = TypeVar("T")


class ComputePart(Protocol):
    """Computes with a budget of tokens, or a smaller one if it must. Returns what came of it, and the budget."""

    def __call__(self, attempt: Callable[[int], T], budget: int, *, longest_row: int, part: int) -> tuple[T, int]: ...


def _at_once(attempt: Callable[[int], T], budget: int, **_: Any) -> tuple[T, int]:
    return attempt(budget), budget


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
    compute_part: ComputePart = _at_once,
) -> None:
    """Draws one rollout for every seed of every context, in waves, and hands them over when their wave is through.

    on_rollout gets the rollouts of a wave in the order in which they finish (a pure function of the call); on_progress
    gets (rollouts finished, rollouts in all) after every decoded position, and may raise Cancelled. Of several
    processes each draws its share; the first hands over all, when all are through.
    token_budget: tokens (context and new ones) whose keys and values are held at once. compute_part: runs each wave,
    and may do so again with a smaller budget, which is then that of the waves that follow.
    Raises ValueError for a model without a language-model head, or a row longer than the base's context.
    """
    _check(model, contexts, params)
    group = model.base.group
    all_rows = [_Row(c, s, context) for c, context in enumerate(contexts) for s in range(len(context.seeds))]
    rows = all_rows[len(all_rows) * group.rank // group.size : len(all_rows) * (group.rank + 1) // group.size]
    longest = max((_tokens(row) for row in rows), default=0)
    done = 0

    def write_wave(budget: int) -> list[SampledRollout]:
        written: list[SampledRollout] = []

        def finish(row: _Row, reason: FinishReason) -> None:
            written.append(
                SampledRollout(row.context_index, row.continuation_index, row.token_ids, row.logprobs, reason)
            )

        for _ in _decode(model, _first_wave(rows[done:], budget), params, finish):
            on_progress(done + len(written), len(rows))
        return written

    def write_all() -> None:
        nonlocal done, token_budget
        while done < len(rows):
            written, token_budget = compute_part(write_wave, token_budget, longest_row=longest, part=done)
            for rollout in written:
                give(rollout)
            done += len(written)

    on_progress(done, len(rows))
    own: list[SampledRollout] = []
    give = own.append if group.size > 1 else on_rollout
    with model.active():
        model.within(lambda: _gathered(model, write_all))
    if group.size > 1:
        for part in group.to_first(encode_rollouts(own)):
            for rollout in decode_rollouts(part):
                on_rollout(rollout)


def _gathered(model: Model, work: Callable[[], None]) -> None:
    with model.gathered():
        work()


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


def _tokens(row: _Row) -> int:
    return len(row.context.token_ids) + row.context.max_new_tokens


def _first_wave(rows: list[_Row], token_budget: int) -> list[_Row]:
    """The first rows, as many as the budget holds, and at least one; nothing of them is written yet."""
    used = list(accumulate(map(_tokens, rows)))
    taken = max(1, bisect_right(used, token_budget))
    return [_Row(row.context_index, row.continuation_index, row.context) for row in rows[:taken]]


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
