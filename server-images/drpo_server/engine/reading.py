"""What a call reads of a model: an output at some of its entries, and how it is computed from hidden states."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from drpo_server.engine.batch_index import BatchIndex
from drpo_server.engine.micro_batches import MicroBatch
from drpo_server.engine.model import Model
from drpo_server.engine.token_logprobs import entropies, token_logprobs
from drpo_server.engine.types import Head, Output

_SCALAR_OUTPUTS = (Output.VALUES, Output.SCORES)


@dataclass(frozen=True, eq=False)
class Reading:
    """One output of one model at the entries that are asked for."""

    model: Model
    output: Output
    temperature: float
    at: Tensor  # [entries asked for], ascending, in the output's layout

    def __post_init__(self) -> None:
        if (self.output in _SCALAR_OUTPUTS) != (self.model.head is Head.SCALAR):
            raise ValueError(f"model {self.model.name!r} has a {self.model.head.value} head: no {self.output.value}")
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature}; it must be above 0")


def entries_here(reading: Reading, index: BatchIndex, micro_batch: MicroBatch) -> Tensor:
    """Those of the reading's entries whose rows are in the micro-batch, in the output's layout."""
    here = torch.zeros(index.rows, dtype=torch.bool)
    here[micro_batch.rows] = True
    return reading.at[here[index.rows_of(reading.output, reading.at)]]


def read(reading: Reading, at: Tensor, index: BatchIndex, micro_batch: MicroBatch, hidden: Tensor) -> Tensor:
    """The output at the entries `at`, [entries], from the last block's states [packed tokens, hidden]."""
    network = reading.model.network
    flat = index.row_offsets[index.rows_of(reading.output, at)] + index.state_positions(reading.output, at)
    states, state_of_entry = torch.unique(micro_batch.packed_of_flat[flat], return_inverse=True)
    with network.precision():
        normed = network.final_norm(hidden.index_select(0, states.to(hidden.device)))
    if reading.output in _SCALAR_OUTPUTS:
        return reading.model.score(normed)[state_of_entry.to(hidden.device)]
    weight = network.output_weight()
    assert weight is not None
    normed = normed.to(network.dtype)
    if reading.output is Output.ENTROPY:
        return entropies(normed, weight, reading.temperature)[state_of_entry.to(hidden.device)]
    order = torch.argsort(state_of_entry, stable=True)
    state, target = state_of_entry[order], index.target_of_span[at[order]]
    sorted_logprobs = token_logprobs(
        normed, weight, state.to(hidden.device), target.to(hidden.device), reading.temperature
    )
    return sorted_logprobs[torch.argsort(order).to(hidden.device)]
