"""The threads that compute: engine work runs on them, in the order of arrival. An engine in PyTorch has one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import Message

from drpo_server.engine.group import ALONE
from drpo_server.engine.types import Cancelled
from drpo_server.in_step import InStep
from drpo_server.proto_gen.common_pb2 import Progress

HEARTBEAT_SECONDS = 2.0
"""A call that waits for its turn says so that often, if the calls before it advance."""

Answer = TypeVar("Answer", bound=Message)

Work = Callable[["Call"], Message | None]


class Call:
    """One piece of engine work, and what it tells those who wait for it.

    On the compute thread, `work` gets the call: it reports progress, may emit parts, and returns the result (None: the
    parts were all). Any number of threads may watch, also after the end, as retried requests do.
    """

    def __init__(self, compute: Compute, work: Work, request: Message | None, total: int) -> None:
        self._compute = compute
        self._request = request
        self._work: Work | None = work
        self._changed = threading.Condition()
        self._progress = (0, total)
        self._reports = 0
        self._parts: list[Message] = []
        self._result: Message | None = None
        self._error: BaseException | None = None
        self._cancelled = False
        self._started = False
        self._ended = False

    # On the compute thread.

    def run(self) -> None:
        """Does the work; never raises."""
        assert self._work is not None
        work, self._work = self._work, None
        result, error = None, None
        with self._changed:
            self._started = True
        try:
            if self._cancelled:
                raise Cancelled
            result = self._compute.in_step.together(self._request, lambda: work(self))
        except BaseException as raised:
            error = raised
        with self._changed:
            self._result, self._error, self._ended = result, error, True
            self._changed.notify_all()

    def report_progress(self, done: int, total: int) -> None:
        """An engine's OnProgress. Raises Cancelled if the caller of a call that changes nothing went away; not if other
        processes take part, who do not know."""
        self._compute.advanced()
        with self._changed:
            if self._cancelled and self._compute.in_step.alone:
                raise Cancelled
            self._progress = (done, total)
            self._reports += 1
            self._changed.notify_all()

    def stop_if_cancelled(self) -> None:
        """For work that has nothing to report yet. Raises Cancelled as report_progress does."""
        with self._changed:
            if self._cancelled:
                raise Cancelled

    def emit(self, part: Message) -> None:
        """Hands a part of the answer to those who watch."""
        with self._changed:
            self._parts.append(part)
            self._changed.notify_all()

    # On any thread.

    def cancel(self) -> None:
        """Stops the work at its next report of progress, or before it starts."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def result(self) -> Message | None:
        """Waits for the end. Raises what the work raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended)
            if self._error is not None:
                raise self._error
            return self._result

    def answer(self, kind: type[Answer]) -> Answer:
        """The result of a call that gives exactly one `kind`; otherwise like result()."""
        result = self.result()
        assert isinstance(result, kind)
        return result

    def events(self, gone: threading.Event) -> Iterator[Message]:
        """Progress messages (one at once), parts, and the result at last. Raises what the work raised.

        Progress is only said when there is some: silence means that the work, or the work before it, does not advance.
        gone: set by the watcher (see wake) when nobody reads any more; the iteration then ends.
        """
        parts_seen = reports_seen = 0
        advances_seen = self._compute.advances
        yield self._progress_message()
        while True:
            with self._changed:
                if not (
                    self._ended or gone.is_set() or (self._reports, len(self._parts)) != (reports_seen, parts_seen)
                ):
                    self._changed.wait(HEARTBEAT_SECONDS)
                if gone.is_set():
                    return
                parts, reports = self._parts[parts_seen:], self._reports
                ended, waits = self._ended, not self._started
            yield from parts
            advances = self._compute.advances
            if not ended and (reports > reports_seen or (waits and advances > advances_seen)):
                yield self._progress_message()
            parts_seen, reports_seen, advances_seen = parts_seen + len(parts), reports, advances
            if ended:
                result = self.result()
                if result is not None:
                    yield result
                return

    def wake(self) -> None:
        """Makes watchers look whether they are still wanted."""
        with self._changed:
            self._changed.notify_all()

    def _progress_message(self) -> Progress:
        done, total = self._progress
        return Progress(done=done, total=total)


class Compute:
    """Runs calls one after the other on its own thread; on several threads, so many side by side."""

    def __init__(
        self, prepare_thread: Callable[[], Any] = lambda: None, threads: int = 1, in_step: InStep | None = None
    ) -> None:
        """in_step: with the processes that compute the same calls, if there are any."""
        self.in_step = in_step or InStep(ALONE)
        self.advances = 0
        """Grows whenever the thread gets something done."""
        self._prepare_thread = prepare_thread
        self._queue: queue.SimpleQueue[Call] = queue.SimpleQueue()
        # A daemon: at the end of the process nobody waits for a pass that may take minutes.
        for _ in range(threads):
            threading.Thread(target=self._run, name="compute", daemon=True).start()

    def submit(self, work: Work, request: Message | None, *, total: int = 0) -> Call:
        """Queues the work. request: from which the other processes know what to compute; None for what is this one's
        alone, or for work that calls in_step itself. total: units of progress, where known beforehand."""
        call = Call(self, work, request, total)
        self._queue.put(call)
        return call

    def in_turn(self, request: Message, kind: type[Answer], work: Callable[[], Answer]) -> Answer:
        """Does what computes nothing: at once, or where other processes do it, too, in the order of calls."""
        if self.in_step.alone:
            return work()
        return self.submit(lambda _: work(), request).answer(kind)

    def farewell(self, patience_seconds: float) -> None:
        """The last call: the other processes may end. Waits so long for the calls before it."""
        if self.in_step.alone:
            return
        told = threading.Event()

        def tell(_: Call) -> None:
            self.in_step.farewell()
            told.set()

        self.submit(tell, None)
        told.wait(patience_seconds)

    def advanced(self) -> None:
        """Something got done."""
        self.advances += 1

    def _run(self) -> None:
        self._prepare_thread()
        while True:
            call = self._queue.get()
            self.advanced()
            call.run()
            self.advanced()
            del call  # or its answer would stay until the next call comes
