"""Rows of a call: sent now, or kept on the server by an earlier one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from drpo_server.engine.engine import Engine, KeptBatch
from drpo_server.engine.types import Batch
from drpo_server.errors import InvalidArgument
from drpo_server.runs import KeptRows, Run
from drpo_server.wire.batch import DecodedBatch


@dataclass(frozen=True)
class UsedBatch:
    """What a call computes on."""

    batch: Batch
    engine_input: Batch | KeptBatch
    rows_hash: Callable[[], str]
    """Of the rows as they were sent, SHA-256 (hexadecimal)."""


def use_batch(run: Run, decoded: DecodedBatch, engine: Engine) -> UsedBatch:
    """The rows of a call, kept from now on if it says so; keeping the same rows again is no error, as a retry does.

    Raises NotFound for a kept batch that is not there, InvalidArgument for other rows under a name in use.
    """
    if decoded.rows is None:
        kept = run.kept_batch(decoded.kept_batch_id)
    elif decoded.keep_as:
        kept = _keep(run, decoded, engine)
    else:
        return UsedBatch(decoded.rows, decoded.rows, lambda: _hash(decoded.message))
    return UsedBatch(kept.batch.batch, kept.batch, lambda: kept.rows_hash)


def _keep(run: Run, decoded: DecodedBatch, engine: Engine) -> KeptRows:
    assert decoded.rows is not None
    rows_hash = _hash(decoded.message)
    with run.lock:
        kept = run.kept.get(decoded.keep_as)
        if kept is None:
            kept = run.kept[decoded.keep_as] = KeptRows(rows_hash, engine.keep(decoded.rows))
    if kept.rows_hash != rows_hash:
        raise InvalidArgument(
            f"batch.keep_as {decoded.keep_as!r} names other rows of run {run.run_id!r} already: choose another name, "
            "or "
            "release it first"
        )
    return kept


def _hash(rows: Message | None) -> str:
    assert rows is not None
    return hashlib.sha256(rows.SerializeToString(deterministic=True)).hexdigest()
