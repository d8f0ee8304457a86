"""Calls that ran out of memory: cut smaller, tried again as the same call, and remembered.

Sums depend on how a batch is cut, so a replay must cut as the first time did, whatever memory is free then. The budget
that worked is on disk before the call is answered, under a hash of what was computed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from drpo_server.durable_files import sync
from drpo_server.errors import OutOfMemory
from drpo_server.out_of_memory import free_what_failed, is_out_of_memory
from drpo_server.proto_gen.common_pb2 import ModelVersion

log = logging.getLogger(__name__)

T = TypeVar("T")
Attempt = Callable[[int], T]
"""Computes with this budget of tokens, or leaves everything as it was."""


class Splits:
    """The budgets that worked, by what was computed: JSON lines that are only appended to. For the compute thread."""

    def __init__(self, path: Path, *, processes: int = 1) -> None:
        """processes: how many compute together; one of several cannot split alone, so with more than one an error is
        left as it is. Raises ValueError, naming the file, if what is there cannot be read."""
        self._path = path
        self._alone = processes == 1
        self._budgets = _read(path) if self._alone else {}

    def of(self, request: Message, rows_hash: Callable[[], str] = lambda: "") -> Splittable:
        """A call. rows_hash: of the rows that it names by a kept batch, and "" where it brings its own."""
        return Splittable(self, lambda: computed_hash(request, rows_hash()))

    def known(self) -> bool:
        """Whether any call was ever split."""
        return bool(self._budgets)

    def find(self, key: str) -> int | None:
        """The budget that worked."""
        return self._budgets.get(key)

    def can_split(self, error: BaseException) -> bool:
        """Whether trying again with less may help."""
        return self._alone and is_out_of_memory(error)

    def record(self, key: str, budget: int) -> None:
        """Remembers a budget; on disk when this returns."""
        if self._budgets.get(key) == budget:
            return
        is_new = not self._path.exists()
        with self._path.open("ab") as stream:
            stream.write(json.dumps({"computed": key, "token_budget": budget}).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        if is_new:
            sync(self._path.parent)
        self._budgets[key] = budget


class Splittable:
    """A call, or the parts of one that are computed one after the other."""

    def __init__(self, splits: Splits, identify: Callable[[], str]) -> None:
        self._splits = splits
        self._identify = identify
        self._identity: str | None = None

    def run(self, attempt: Attempt[T], budget: int, *, longest_row: int, part: int = 0) -> tuple[T, int]:
        """What the attempt gives, and the budget that it took: `budget`, if that fits, or what a record says.

        longest_row: tokens; no budget below it changes how that row is computed. part: tells parts of a call apart.
        Raises OutOfMemory if a row alone does not fit.
        """
        full = budget
        if self._splits.known():
            budget = min(budget, self._splits.find(self._key(part)) or budget)
        while True:
            try:
                result = attempt(budget)
            except Exception as error:
                if not self._splits.can_split(error):
                    raise
                reason = str(error).splitlines()[0]
            else:
                break
            free_what_failed()
            if budget <= longest_row:
                raise OutOfMemory(longest_row, reason)
            log.warning("out of memory with %d tokens at once (%s): trying with fewer", budget, reason)
            budget = max(budget // 2, longest_row)
        if budget < full:
            self._splits.record(self._key(part), budget)
        return result, budget

    def _key(self, part: int) -> str:
        # Hashing reads the whole request: only where there is something to look up or to record.
        if self._identity is None:
            self._identity = self._identify()
        return f"{self._identity}-{part}"


def computed_hash(request: Message, rows_hash: str) -> str:
    """SHA-256 (hexadecimal) of what a request computes: the same for a replay of it, also after a restart.

    So without who asks (run, fence, request id), without generations, which count restarts, and with rows instead of
    the name that they are kept under.
    """
    copied = type(request)()
    copied.CopyFrom(request)
    for field in ("mutation", "run_id"):
        if field in copied.DESCRIPTOR.fields_by_name:
            copied.ClearField(field)
    if rows_hash:
        copied.ClearField("batch")
    _clear_generations(copied)
    content = copied.SerializeToString(deterministic=True)
    return hashlib.sha256(f"{copied.DESCRIPTOR.full_name}\0{rows_hash}\0".encode() + content).hexdigest()


def _clear_generations(message: Message) -> None:
    if isinstance(message, ModelVersion):
        message.generation = 0
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                _clear_generations(item)


def _read(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:  # a crash while it was written: that call was not answered
        os.truncate(path, len(whole) + 1 if whole else 0)
    try:
        lines = [json.loads(line) for line in whole.splitlines()]
        return {str(line["computed"]): int(line["token_budget"]) for line in lines}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({error}): restore it from a backup, or delete it if no run is going on"
        ) from error
