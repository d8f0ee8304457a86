"""Keeps the processes of a group in step: they make the same calls in the same order, and fail together or end."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc
import torch
from google.protobuf.message import Message

from drpo_server.engine.group import Group
from drpo_server.errors import RequestError, to_status
from drpo_server.rpc_methods import method_index

log = logging.getLogger(__name__)

T = TypeVar("T")

FAREWELL = -1
"""In place of a method: process 0 stops."""
_EXIT_OUT_OF_STEP = 1
_SUCCEEDED = 0


class FailedTogether(RequestError):
    """What only some processes could not do, so that none did it."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


class InStep:
    """What one process does so that the others stay with it. Alone it does nothing."""

    def __init__(self, group: Group) -> None:
        self.group = group

    @property
    def alone(self) -> bool:
        return self.group.size == 1

    def together(self, request: Message | None, work: Callable[[], T]) -> T:
        """Does work that every process does for this request: process 0 tells the others, who are waiting for it.

        A refusal that all share is raised. Any other failure ends this process, and so all: half of a pass cannot be
        undone alone. request: None if nobody else takes part.
        """
        if self.alone or request is None:
            return work()
        if self.group.rank == 0:
            self._announce(request)
        try:
            result = work()
        except RequestError as refusal:
            self._settle(refusal)
            raise
        except BaseException as error:
            self._end(f"{type(error).__name__}: {error}", error)
        self._settle(None)
        return result

    def farewell(self) -> None:
        """Process 0 ends: the others may, too."""
        if not self.alone:
            self.group.from_first(torch.tensor([FAREWELL, 0]))

    def _announce(self, request: Message) -> None:
        payload = request.SerializeToString()
        try:
            self.group.from_first(torch.tensor([method_index(request), len(payload)]))
            self.group.bytes_from_first(payload)
        except RuntimeError as error:
            self._end(str(error), error)

    def _settle(self, refusal: RequestError | None) -> None:
        """Raises nothing: processes that did not all end alike cannot go on."""
        outcomes = torch.zeros(self.group.size, dtype=torch.int64)
        outcomes[self.group.rank] = _SUCCEEDED if refusal is None else _number(refusal.code)
        try:
            outcomes = self.group.sum(outcomes)
        except RuntimeError as error:
            self._end(str(error), error)
        if len(set(outcomes.tolist())) > 1:
            self._end(f"the processes ended a call in different ways ({refusal or 'no error here'})", refusal)

    def _end(self, reason: str, error: BaseException | None) -> NoReturn:
        log.error("process %d of %d failed", self.group.rank, self.group.size, exc_info=error)
        print(
            f"process {self.group.rank} of {self.group.size} ends, and with it all of them: {reason}. Start the server "
            "again: what it computed since the last checkpoint is computed anew",
            file=sys.stderr,
            flush=True,
        )
        os._exit(_EXIT_OUT_OF_STEP)  # the others, who may wait for this process in the middle of a pass, notice


def on_first(group: Group, work: Callable[[], T]) -> T | None:
    """Does the work on process 0 only, and returns what it gives there. Where it is refused, or a file cannot be
    written, every process raises."""
    return on_every(group, work if group.rank == 0 else lambda: None)


def on_every(group: Group, work: Callable[[], T]) -> T:
    """Does work that needs no other process on each, and raises on all if one is refused or cannot write a file."""
    if group.size == 1:
        return work()
    result: Any = None
    error: Exception | None = None
    try:
        result = work()
    except (RequestError, OSError) as raised:
        error = raised
    outcomes = torch.zeros(group.size, dtype=torch.int64)
    outcomes[group.rank] = _SUCCEEDED if error is None else _number(to_status(error)[0])
    failed = [(rank, number) for rank, number in enumerate(group.sum(outcomes).tolist()) if number != _SUCCEEDED]
    if failed:
        rank, number = failed[0]
        message = group.bytes_from(rank, b"" if error is None else to_status(error)[1].encode()).decode()
        raise FailedTogether(_status(number), message) from error
    done: T = result
    return done


def _number(code: grpc.StatusCode) -> int:
    number: int = code.value[0]
    return number


def _status(number: int) -> grpc.StatusCode:
    return next(code for code in grpc.StatusCode if _number(code) == number)
