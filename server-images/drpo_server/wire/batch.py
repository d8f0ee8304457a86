"""Rows of token ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from google.protobuf.message import Message

from drpo_server.engine.types import Batch
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen.common_pb2 import BatchInput, TokenBatch
from drpo_server.wire.fields import check_length, decode_id, integers, refuse_first, require, which


class RowLimits(Protocol):
    """What a base says of the rows that it takes."""

    @property
    def path(self) -> Path: ...
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def context_tokens(self) -> int: ...


@dataclass(frozen=True)
class DecodedBatch:
    """Rows sent with a call, or the name of rows that the server keeps."""

    rows: Batch | None
    kept_batch_id: str = ""
    keep_as: str = ""
    message: TokenBatch | None = None
    """The rows as they came."""


def decode_batch_input(request: Message, where: str) -> DecodedBatch:
    """The `batch` of a request."""
    require(request, "batch", where)
    message: BatchInput = request.batch  # type: ignore[attr-defined]
    where += ".batch"
    if which(message, "source", where) == "kept_batch_id":
        kept = decode_id(message.kept_batch_id, f"{where}.kept_batch_id", "name a batch that was kept")
        if message.keep_as:
            raise InvalidArgument(f"{where}.keep_as is set with kept_batch_id: set it only with rows")
        return DecodedBatch(None, kept_batch_id=kept)
    if message.keep_as:
        decode_id(message.keep_as, f"{where}.keep_as", "")
    rows = decode_rows(message.rows, f"{where}.rows")
    return DecodedBatch(rows, keep_as=message.keep_as, message=message.rows)


def decode_rows(message: TokenBatch, where: str, *, spans_used: bool = True) -> Batch:
    """At least one row, lengths that add up, spans inside their rows. spans_used False: they may be left out."""
    token_ids, row_lengths = integers(message.token_ids), integers(message.row_lengths)
    rows = len(row_lengths)
    if rows == 0:
        raise InvalidArgument(f"{where}.row_lengths is empty: send at least one row")
    refuse_first(row_lengths < 1, row_lengths, f"{where}.row_lengths", "every row needs at least one token")
    check_length(len(token_ids), int(row_lengths.sum()), f"{where}.token_ids", "token of all rows (sum of row_lengths)")
    if not spans_used and not message.span_starts and not message.span_lengths:
        return Batch(token_ids, row_lengths, torch.ones_like(row_lengths), torch.zeros_like(row_lengths))
    span_starts, span_lengths = integers(message.span_starts), integers(message.span_lengths)
    check_length(len(span_starts), rows, f"{where}.span_starts", "row")
    check_length(len(span_lengths), rows, f"{where}.span_lengths", "row")
    refuse_first(
        span_starts < 1,
        span_starts,
        f"{where}.span_starts",
        "a span starts at 1 or later, as what it needs is read one position before it",
    )
    ends = span_starts + span_lengths
    outside = ends > row_lengths
    if outside.any():
        row = int(outside.nonzero()[0])
        raise InvalidArgument(
            f"{where}: the span of row {row} ends at {ends[row]} (span_starts {span_starts[row]} + span_lengths "
            f"{span_lengths[row]}), but the row has {row_lengths[row]} tokens: keep spans inside their rows"
        )
    return Batch(token_ids, row_lengths, span_starts, span_lengths)


def check_batch_fits(batch: Batch, base: RowLimits, where: str) -> None:
    """Raises InvalidArgument for a token outside the base's vocabulary or a row longer than its context."""
    refuse_first(
        batch.token_ids >= base.vocabulary_size,
        batch.token_ids,
        f"{where}.token_ids",
        f"the vocabulary of {base.path.name} has {base.vocabulary_size} tokens",
    )
    refuse_first(
        batch.row_lengths > base.context_tokens,
        batch.row_lengths,
        f"{where}.row_lengths",
        f"a row of {base.path.name} has at most {base.context_tokens} tokens; shorten it",
    )
