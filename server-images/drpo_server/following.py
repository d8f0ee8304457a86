"""A process that computes what process 0 is asked for: the same servicers, told by process 0 instead of a client.

Process 0 decides whether a call is made at all: fences, repeated requests and answers that are on disk are its concern,
and so are the ledger and the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
import torch
from google.protobuf.message import Message

from drpo_server.compute import Call, Compute, Work
from drpo_server.engine.group import Group
from drpo_server.in_step import FAREWELL, InStep
from drpo_server.ledger import Ledger
from drpo_server.mutations import FindDurable, Mutations
from drpo_server.proto_gen.common_pb2 import Mutation
from drpo_server.rpc_methods import METHODS, parse_request
from drpo_server.runs import Run


def follow(group: Group, servicers: Mapping[str, Any]) -> None:
    """Makes the calls that process 0 makes, until it says farewell. servicers: by name of their service.

    Raises RuntimeError if process 0 is gone.
    """
    while True:
        index, length = group.from_first(torch.zeros(2, dtype=torch.int64)).tolist()
        if index == FAREWELL:
            return
        request = parse_request(index, group.bytes_from_first(bytes(length)))
        method = METHODS[index]
        _make(getattr(servicers[method.containing_service.name], method.name), request)


def _make(method: Callable[..., Any], request: Message) -> None:
    """Refusals are answered by process 0."""
    try:
        answers = method(request, _NoCaller())
        if isinstance(answers, Iterator):
            for _ in answers:
                pass
    except _Refused:
        pass


class _Refused(Exception):
    """The call was refused, here as in every process."""


class _NoCaller:
    """Stands in for grpc.ServicerContext, where nobody waits for the answer."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return True

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise _Refused(details)


class FollowingCompute(Compute):
    """Computes at once, in the thread that follows."""

    def __init__(self, in_step: InStep) -> None:
        self.advances = 0
        self.in_step = in_step

    def submit(self, work: Work, request: Message | None, *, total: int = 0) -> Call:
        call = Call(self, work, request, total)
        call.run()
        return call


class FollowingMutations(Mutations[Run]):
    """Makes every call that it is told to."""

    def begin(
        self,
        request: Message,
        mutation: Mutation,
        work: Callable[[Run, Call], Message],
        find_durable: FindDurable = lambda: None,
    ) -> Call:
        run = self._runs.get(mutation.run_id)
        return self._compute.submit(lambda call: work(run, call), request)

    def at_once(self, request: Message, mutation: Mutation) -> Run:
        return self._runs.get(mutation.run_id)


class FollowingLedger(Ledger):
    """Takes over what process 0's ledger says, and keeps nothing."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def acquire(self, run_id: str, request_id: str) -> tuple[int, bool]:
        return 0, True

    def next_generations(self, run_id: str, models: list[str]) -> Mapping[str, int]:
        return _shared(self._group, dict.fromkeys(models, 0))


class LeadingLedger(Ledger):
    """Tells the other processes which generations it opens."""

    def __init__(self, path: Any, group: Group) -> None:
        super().__init__(path)
        self._group = group

    def next_generations(self, run_id: str, models: list[str]) -> Mapping[str, int]:
        return _shared(self._group, super().next_generations(run_id, models))


def _shared(group: Group, generations: Mapping[str, int]) -> Mapping[str, int]:
    numbers = group.from_first(torch.tensor(list(generations.values()), dtype=torch.int64))
    return dict(zip(generations, numbers.tolist(), strict=True))
