"""The order of checks that makes every mutating call idempotent, written once.

1. Malformed: INVALID_ARGUMENT (the servicer decodes before it comes here).
2. Stale fence: FAILED_PRECONDITION.
3. A repeated request_id: the stored answer or the call under way; with another payload INVALID_ARGUMENT.
4. Unknown model, then wrong version (the work itself asks the run for its models): NOT_FOUND, FAILED_PRECONDITION.

A failed call is not stored: a retry runs again. A call whose client goes away runs to its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic

from google.protobuf.message import Message

from drpo_server.compute import Call, Compute
from drpo_server.errors import InvalidArgument
from drpo_server.fenced_run import FencedRuns, R, StoredCall
from drpo_server.proto_gen.common_pb2 import Mutation

FindDurable = Callable[[], Message | None]
"""The answer of the same request that a file still holds, or None."""


class Mutations(Generic[R]):
    """Starts mutating calls, or finds those that were made before."""

    def __init__(self, runs: FencedRuns[R], compute: Compute) -> None:
        self._runs = runs
        self._compute = compute

    def begin(
        self,
        request: Message,
        mutation: Mutation,
        work: Callable[[R, Call], Message],
        find_durable: FindDurable = lambda: None,
    ) -> Call:
        """The call that answers this request: new, under way, or ended.

        Raises FailedPrecondition for a stale fence, InvalidArgument for a request_id of another payload.
        """
        run = self._runs.get(mutation.run_id)
        payload = payload_hash(request, mutation)

        def compute(call: Call) -> Message:
            try:
                run.check_fence(mutation.fence)  # once more: it may have waited long for its turn
                return find_durable() or self._compute.in_step.together(request, lambda: work(run, call))
            except BaseException:
                run.forget(mutation.request_id, call)
                raise

        with run.lock:
            run.check_fence(mutation.fence)
            stored = run.calls.get(mutation.request_id)
            if stored is not None:
                check_payload(stored.payload_hash, payload, mutation)
                return stored.call
            call = self._compute.submit(compute, None)
            run.calls[mutation.request_id] = StoredCall(payload, call)
            return call

    def at_once(self, request: Message, mutation: Mutation) -> R:
        """The run, for a call whose answer is not stored and which does not compute. Raises as `begin` does."""
        run = self._runs.get(mutation.run_id)
        with run.lock:
            run.check_fence(mutation.fence)
            stored = run.calls.get(mutation.request_id)
            if stored is not None:
                check_payload(stored.payload_hash, payload_hash(request, mutation), mutation)
        return run


def check_payload(stored_hash: str, payload: str, mutation: Mutation) -> None:
    """Raises InvalidArgument unless a repeated request is the same as the stored one."""
    if stored_hash != payload:
        raise InvalidArgument(
            f"mutation.request_id {mutation.request_id!r} of run {mutation.run_id!r} was used before with another "
            "payload: "
            "give every request an id of its own"
        )


def payload_hash(request: Message, mutation: Mutation) -> str:
    """SHA-256 (hexadecimal) of a request without its fence: a later holder of the run may repeat a request."""
    fence = mutation.fence
    mutation.fence = 0  # `mutation` is part of `request`: a copy of a large batch is saved
    try:
        payload = request.SerializeToString(deterministic=True)
    finally:
        mutation.fence = fence
    return hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0" + payload).hexdigest()
