"""Cuts a batch into micro-batches by a budget of tokens.

Rows are taken in lexicographic order, so that rows that share a prefix meet in one micro-batch and the cut does not
depend on the order in which rows were sent. As rows are packed, not padded, their lengths need not be alike. Of several
processes each gets a run of the rows with about as many tokens as the others'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from drpo_server.engine.batch_index import BatchIndex
from drpo_server.engine.packed_attention import PackedAttention
from drpo_server.engine.packing import pack


@dataclass(frozen=True)
class MicroBatch:
    """Packed rows, and where their tokens come from."""

    rows: Tensor  # [rows here], into the batch
    token_ids: Tensor  # [packed tokens], on the device
    positions: Tensor  # [packed tokens], on the device
    flat: Tensor  # [packed tokens]: flat index in the batch
    packed_of_flat: Tensor  # [tokens of the whole batch]: packed index, -1 where not computed
    attention: PackedAttention

    @property
    def is_stand_in(self) -> bool:
        """Computed for company only."""
        return self.rows.shape[0] == 0


@dataclass(frozen=True)
class Cut:
    """Rows of one micro-batch and the tokens of each that are computed."""

    rows: list[int]
    tokens: list[list[int]]


def cut(index: BatchIndex, lengths: Tensor, token_budget: int, processes: int = 1) -> list[list[Cut]]:
    """Cuts the rows with a needed length above 0 by the sum of these lengths; a longer row goes alone.

    Returns each process's micro-batches.
    """
    ids, offsets = index.batch.token_ids.tolist(), index.row_offsets.tolist()
    tokens = {
        row: ids[offsets[row] : offsets[row] + length] for row, length in enumerate(lengths.tolist()) if length > 0
    }
    ordered = sorted(tokens, key=tokens.__getitem__)
    return [_cut(rows, tokens, token_budget) for rows in _shares(ordered, tokens, processes)]


def _shares(rows: list[int], tokens: Mapping[int, list[int]], processes: int) -> list[list[int]]:
    """Runs of the rows with about the same number of tokens."""
    total = sum(len(tokens[row]) for row in rows)
    shares: list[list[int]] = [[] for _ in range(processes)]
    before = 0
    for row in rows:
        middle = 2 * before + len(tokens[row])  # twice: whole numbers only
        shares[middle * processes // (2 * total)].append(row)
        before += len(tokens[row])
    return shares


def _cut(rows: list[int], tokens: Mapping[int, list[int]], token_budget: int) -> list[Cut]:
    cuts: list[Cut] = []
    used = token_budget
    for row in rows:
        if used + len(tokens[row]) > token_budget:
            cuts.append(Cut(rows=[], tokens=[]))
            used = 0
        cuts[-1].rows.append(row)
        cuts[-1].tokens.append(tokens[row])
        used += len(tokens[row])
    return cuts


def assemble(
    index: BatchIndex, part: Cut | None, *, shared_heads: int, dtype: torch.dtype, device: torch.device
) -> MicroBatch:
    """Packs the rows of a cut. None: a stand-in, one token of no row, which a process computes when it has no rows left
    while others have, as weights are only gathered together."""
    if part is None:
        return _stand_in(index, shared_heads, dtype, device)
    packing = pack(part.tokens)
    row_index = torch.tensor(part.rows)
    positions = torch.tensor(packing.positions)
    flat = index.row_offsets[row_index[torch.tensor(packing.row_of_token)]] + positions
    packed_of_flat = torch.full(index.batch.token_ids.shape, -1)
    for offset, path in zip(index.row_offsets[row_index].tolist(), packing.paths, strict=True):
        packed_of_flat[offset : offset + len(path)] = torch.tensor(path)
    return MicroBatch(
        rows=row_index,
        token_ids=index.batch.token_ids[flat].to(device),
        positions=positions.to(device),
        flat=flat,
        packed_of_flat=packed_of_flat,
        attention=PackedAttention(packing, shared_heads, dtype, device),
    )


def _stand_in(index: BatchIndex, shared_heads: int, dtype: torch.dtype, device: torch.device) -> MicroBatch:
    return MicroBatch(
        rows=torch.empty(0, dtype=torch.int64),
        token_ids=index.batch.token_ids[:1].to(device),
        positions=torch.zeros(1, dtype=torch.int64, device=device),
        flat=torch.zeros(1, dtype=torch.int64),
        packed_of_flat=torch.full(index.batch.token_ids.shape, -1),
        attention=PackedAttention(pack([[0]]), shared_heads, dtype, device),
    )
