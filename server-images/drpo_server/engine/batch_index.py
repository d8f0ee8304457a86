"""Where the entries of each output sit in a packed batch, and which rows a set of needs must compute."""

from __future__ import annotations

import torch
from torch import Tensor

from drpo_server.engine.types import Batch, Output


class BatchIndex:
    """Flat indices of one batch. "Flat" counts the tokens of all rows, one after the other, from 0."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.rows = int(batch.row_lengths.shape[0])
        self.row_offsets = batch.row_lengths.cumsum(0) - batch.row_lengths
        span_offsets = batch.span_lengths.cumsum(0) - batch.span_lengths
        spans = int(batch.span_lengths.sum())
        self.row_of_span = torch.repeat_interleave(torch.arange(self.rows), batch.span_lengths)
        """[span tokens]: the row that a span token is in."""
        within = torch.arange(spans) - span_offsets[self.row_of_span]
        self.position_of_span = batch.span_starts[self.row_of_span] + within
        """[span tokens]: its position in the row."""
        self.target_of_span = batch.token_ids[self.row_offsets[self.row_of_span] + self.position_of_span]
        """[span tokens]: its token id."""

    def entries(self, output: Output) -> int:
        """Entries of an output."""
        return self.rows if output is Output.SCORES else int(self.row_of_span.shape[0])

    def row_of_entry(self, output: Output) -> Tensor:
        """[entries]: the row that each entry of an output is in."""
        return torch.arange(self.rows) if output is Output.SCORES else self.row_of_span

    def rows_of(self, output: Output, at: Tensor) -> Tensor:
        """Rows that the entries are in."""
        return at if output is Output.SCORES else self.row_of_span[at]

    def state_positions(self, output: Output, at: Tensor) -> Tensor:
        """Position in its row of the state that each entry is read from: the token before a span token, the last token
        of a row."""
        return self.batch.row_lengths[at] - 1 if output is Output.SCORES else self.position_of_span[at] - 1

    def needed_lengths(self, needs: list[tuple[Output, Tensor]]) -> Tensor:
        """Tokens of each row that must be computed for these entries; [rows], 0 for a row that nothing needs."""
        lengths = torch.zeros(self.rows, dtype=torch.int64)
        for output, at in needs:
            ends = self.state_positions(output, at) + 1
            lengths.scatter_reduce_(0, self.rows_of(output, at), ends, reduce="amax")
        return lengths
