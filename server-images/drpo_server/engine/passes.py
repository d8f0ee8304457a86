"""A pass over a batch: cut, pack, compute the trunk once, then each model's own blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor

from drpo_server.engine.batch_index import BatchIndex
from drpo_server.engine.group import Group
from drpo_server.engine.micro_batches import Cut, MicroBatch, assemble, cut
from drpo_server.engine.model import Model
from drpo_server.engine.network import Network
from drpo_server.engine.reading import Reading, entries_here, read
from drpo_server.engine.trunk import TrunkStates, trunk
from drpo_server.engine.types import Batch, OnProgress


class KeptBatch:
    """A batch and what the frozen blocks made of it, for later calls."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.index = BatchIndex(batch)
        self._trunks: dict[Network, TrunkStates] = {}

    def trunk_states(self, network: Network) -> TrunkStates:
        """States kept for a network."""
        return self._trunks.setdefault(network, TrunkStates(int(self.batch.token_ids.shape[0])))

    @contextmanager
    def unchanged_on_error(self) -> Iterator[None]:
        """States that the block adds are dropped if it fails: the next attempt may cut the batch in another way, and
        must not mix its own with those of half a pass."""
        before = {network: states.copy() for network, states in self._trunks.items()}
        try:
            yield
        except BaseException:
            self._trunks = before
            raise


@dataclass(frozen=True)
class ModelPass:
    """One model in one micro-batch: what it read, [entries here], and at which entries of the output's layout."""

    model: Model
    read: list[tuple[Reading, Tensor, Tensor]]  # (reading, at, x)


class Pass:
    """The micro-batches of a call and how to run them: side by side, if there are several processes."""

    def __init__(
        self,
        index: BatchIndex,
        readings: Sequence[Reading],
        *,
        token_budget: int,
        kept: KeptBatch | None,
        group: Group,
    ) -> None:
        _check_fits(index, readings)
        self._index = index
        self._kept = kept
        self._group = group
        self._readings: dict[Model, list[Reading]] = {}
        for reading in readings:
            self._readings.setdefault(reading.model, []).append(reading)
        lengths = index.needed_lengths([(reading.output, reading.at) for reading in readings])
        cuts = cut(index, lengths, token_budget, group.size)
        self.rounds: list[tuple[Cut | None, ...]] = list(zip_longest(*cuts))
        """The micro-batch of each process, one round after the other."""

    @property
    def rows(self) -> int:
        """Rows that are computed, by any process."""
        return sum(_rows(parts) for parts in self.rounds)

    def run(self, on_progress: OnProgress) -> Iterator[ModelPass]:
        """Every model of every micro-batch of this process in turn. x carries a graph where gradients are enabled and
        the model is trainable; the caller drops it before taking the next. A round in which this process has no rows
        left reads no entries, and is treated like any other. on_progress gets (rows done, rows) and may raise."""
        done, total = 0, self.rows
        on_progress(done, total)
        for parts in self.rounds:
            for models in _by_network(self._readings):
                yield from self._run_network(models, parts[self._group.rank])
            done += _rows(parts)
            on_progress(done, total)

    def _run_network(self, models: list[Model], part: Cut | None) -> Iterator[ModelPass]:
        network, base = models[0].network, models[0].base
        micro_batch = assemble(
            self._index,
            part,
            shared_heads=base.query_heads_per_key_head,
            dtype=network.dtype,
            device=next(network.module.parameters()).device,
        )
        depth = min(model.first_block for model in models)
        kept = self._kept.trunk_states(network) if self._kept is not None and depth > 0 else None
        states: Tensor | None = None
        if depth > 0:
            states = network.within(lambda: trunk(network, micro_batch, depth, kept, self._group))
        for model in models:
            with torch.set_grad_enabled(torch.is_grad_enabled() and model.trainable):
                result = self._run_model(model, micro_batch, depth, states)
            yield result
            del result

    def _run_model(self, model: Model, micro_batch: MicroBatch, depth: int, states: Tensor | None) -> ModelPass:
        network, readings = model.network, self._readings[model]
        entries = [entries_here(reading, self._index, micro_batch) for reading in readings]

        def compute() -> list[Tensor]:
            hidden = network.embed(micro_batch.token_ids) if states is None else states
            blocks = len(network.blocks)
            hidden = network.run_blocks(hidden, depth, blocks, micro_batch.positions, micro_batch.attention)
            return [
                read(reading, at, self._index, micro_batch, hidden)
                for reading, at in zip(readings, entries, strict=True)
            ]

        with model.active():
            return ModelPass(model, list(zip(readings, entries, model.within(compute), strict=True)))


def _rows(parts: Sequence[Cut | None]) -> int:
    return sum(len(part.rows) for part in parts if part is not None)


def _by_network(models: dict[Model, list[Reading]]) -> list[list[Model]]:
    groups: dict[Network, list[Model]] = {}
    for model in models:
        groups.setdefault(model.network, []).append(model)
    return list(groups.values())


def _check_fits(index: BatchIndex, readings: Sequence[Reading]) -> None:
    if index.rows == 0 or not readings:
        return
    longest, largest_id = int(index.batch.row_lengths.max()), int(index.batch.token_ids.max())
    for base in {reading.model.base for reading in readings}:
        if longest > base.context_tokens:
            raise ValueError(f"a row has {longest} tokens; {base.path} takes {base.context_tokens}")
        if largest_id >= base.vocabulary_size:
            raise ValueError(f"token id {largest_id} is outside the vocabulary of {base.path} ({base.vocabulary_size})")
