"""Errors of requests, and the one place that turns any exception into a gRPC status.

A message says what is wrong, where (field, index, value), and what to do next.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import grpc

from drpo_server.out_of_memory import is_out_of_memory


class RequestError(Exception):
    """A request that cannot be served; its message goes to the client as it is."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN


class InvalidArgument(RequestError):
    """Malformed, whatever the state of the server."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(RequestError):
    """A model, kept batch, checkpoint or folder that the server does not have."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(RequestError):
    """A name that another request took."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(RequestError):
    """A stale fence, another version than expected, or gradients that are not the expected ones."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class DataLoss(RequestError):
    """A stored file that differs from its hash."""

    code = grpc.StatusCode.DATA_LOSS


class Unavailable(RequestError):
    """Another server that this one needs cannot be reached: the same request may succeed later."""

    code = grpc.StatusCode.UNAVAILABLE


class NotFinite(RequestError):
    """A loss or gradient that became infinite or NaN."""

    code = grpc.StatusCode.ABORTED


class OutOfMemory(RequestError):
    """Not even one row at a time fits."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, longest_row: int, reason: str) -> None:
        super().__init__(
            f"out of memory with one row at a time ({reason}): the longest has {longest_row} tokens. Send shorter "
            "rows, adapt fewer blocks, serve with --activation-checkpointing, in bfloat16 on a GPU, on more processes, "
            "or on a device with more memory"
        )


_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def to_status(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """The status and message that a client gets for an exception."""
    if isinstance(error, RequestError):
        return error.code, str(error)
    kind = type(error).__name__
    if kind == "Cancelled":
        return grpc.StatusCode.CANCELLED, "the caller went away, so the work was stopped; nothing was changed"
    if is_out_of_memory(error):
        advice = "lower --token-budget, send fewer rows at once, or use a device with more memory"
        return grpc.StatusCode.RESOURCE_EXHAUSTED, f"out of memory ({error}): {advice}"
    if (isinstance(error, OSError) and error.errno in _DISK_FULL) or "No space left on device" in str(error):
        return grpc.StatusCode.RESOURCE_EXHAUSTED, f"the disk is full ({error}): free space, then send the call again"
    return grpc.StatusCode.INTERNAL, f"{kind}: {error}. This is a fault of the server: its log has the traceback"


@contextmanager
def engine_refusals(where: str) -> Iterator[None]:
    """What the engine documents to refuse, as errors of the request at `where`.

    ValueError -> INVALID_ARGUMENT, FileNotFoundError -> NOT_FOUND, FloatingPointError -> ABORTED.
    """
    try:
        yield
    except ValueError as error:
        raise InvalidArgument(f"{where}: {error}") from error
    except FileNotFoundError as error:
        raise NotFound(f"{where}: {error}") from error
    except FloatingPointError as error:
        raise NotFinite(f"{where}: {error}. Lower the learning rate, or restore the last checkpoint") from error
