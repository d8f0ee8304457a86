"""What every rpc does around its own work: refuse unknown fields, watch the call, turn exceptions into statuses."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.message import Message

from drpo_server.compute import Call
from drpo_server.errors import RequestError, to_status
from drpo_server.proto_gen.common_pb2 import Progress
from drpo_server.wire.unknown_fields import refuse_unknown_fields

log = logging.getLogger(__name__)

S = TypeVar("S")
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


def unary(
    method: Callable[[S, Request, grpc.ServicerContext], Response],
) -> Callable[[S, Request, grpc.ServicerContext], Response]:
    """Wraps an rpc with one answer."""

    @functools.wraps(method)
    def wrapped(self: S, request: Request, context: grpc.ServicerContext) -> Response:
        try:
            refuse_unknown_fields(request)
            return method(self, request, context)
        except Exception as error:
            _abort(context, request, error)

    return wrapped


def streaming(
    method: Callable[[S, Request, grpc.ServicerContext], Iterator[Response]],
) -> Callable[[S, Request, grpc.ServicerContext], Iterator[Response]]:
    """Wraps an rpc with a stream of answers."""

    @functools.wraps(method)
    def wrapped(self: S, request: Request, context: grpc.ServicerContext) -> Iterator[Response]:
        try:
            refuse_unknown_fields(request)
            yield from method(self, request, context)
        except Exception as error:
            _abort(context, request, error)

    return wrapped


def watch(
    call: Call,
    context: grpc.ServicerContext,
    response: Callable[..., Response],
    *,
    part: str | Mapping[str, str] = "result",
    cancel_with_caller: bool = False,
) -> Iterator[Response]:
    """The answers of a call: progress as it comes, and what the call gives in the field `part`, or in the one that
    `part` has for its type.

    cancel_with_caller: nobody else wants the result, so the work stops when the caller goes away.
    """
    gone = threading.Event()

    def field(event: Message) -> str:
        return part if isinstance(part, str) else part[event.DESCRIPTOR.name]

    def on_end() -> None:
        gone.set()
        call.wake()
        if cancel_with_caller:
            call.cancel()

    if not context.add_callback(on_end):
        on_end()
    for event in call.events(gone):
        yield response(progress=event) if isinstance(event, Progress) else response(**{field(event): event})


def _abort(context: grpc.ServicerContext, request: Message, error: Exception) -> NoReturn:
    code, message = to_status(error)
    rpc = request.DESCRIPTOR.name.removesuffix("Request")
    if code is grpc.StatusCode.INTERNAL:
        log.error("%s failed", rpc, exc_info=error)
    elif isinstance(error, RequestError) or code is not grpc.StatusCode.CANCELLED:
        log.warning("%s refused: %s: %s", rpc, code.name, message)
    context.abort(code, message)
