"""Cuts a batch into micro-batches by a budget of tokens.

Rows are taken in lexicographic order, so that rows that share a prefix meet in one micro-batch and the cut does not
depend on the order in which rows were sent. As rows are packed, not padded, their lengths need not be alike.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Cut:
    """Rows of one micro-batch and the tokens of each that are computed."""

    rows: list[int]
    tokens: list[list[int]]


def cut(index: BatchIndex, lengths: Tensor, token_budget: int) -> list[Cut]:
    """Cuts the rows with a needed length above 0 by the sum of these lengths; a longer row goes alone."""
    ids, offsets = index.batch.token_ids.tolist(), index.row_offsets.tolist()
    tokens = {
        row: ids[offsets[row] : offsets[row] + length] for row, length in enumerate(lengths.tolist()) if length > 0
    }
    cuts: list[Cut] = []
    used = token_budget
    for row in sorted(tokens, key=tokens.__getitem__):
        if used + len(tokens[row]) > token_budget:
            cuts.append(Cut(rows=[], tokens=[]))
            used = 0
        cuts[-1].rows.append(row)
        cuts[-1].tokens.append(tokens[row])
        used += len(tokens[row])
    return cuts


def assemble(
    index: BatchIndex,
    rows: Sequence[int],
    tokens: Sequence[list[int]],
    *,
    shared_heads: int,
    dtype: torch.dtype,
    device: torch.device,
) -> MicroBatch:
    """Packs the rows of a cut."""
    packing = pack(tokens)
    row_index = torch.tensor(rows)
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
