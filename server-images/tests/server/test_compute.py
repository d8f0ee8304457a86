"""What those who wait for a call are told, and when they are told nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from drpo_server import compute as compute_module
from drpo_server.compute import Call, Compute
from drpo_server.engine.types import Cancelled
from drpo_server.proto_gen.common_pb2 import ModelRef, Progress

WAIT_SECONDS = 60.0


@pytest.fixture
def compute() -> Compute:
    return Compute()


def events(call: Call) -> Iterator[Message]:
    return call.events(threading.Event())


def test_calls_run_in_the_order_of_arrival(compute: Compute) -> None:
    order: list[int] = []
    calls = [compute.submit(lambda _, n=n: order.append(n), None) for n in range(20)]  # type: ignore[misc]
    for call in calls:
        call.result()
    assert order == list(range(20))


def test_watcher_gets_progress_parts_and_the_result(compute: Compute) -> None:
    first_seen = threading.Event()

    def work(call: Call) -> Message:
        assert first_seen.wait(WAIT_SECONDS)
        call.report_progress(1, 2)
        call.emit(ModelRef(model="part"))
        return ModelRef(model="result")

    stream = events(compute.submit(work, None, total=2))
    assert next(stream) == Progress(done=0, total=2)
    first_seen.set()
    rest = list(stream)
    assert [item for item in rest if isinstance(item, ModelRef)] == [ModelRef(model="part"), ModelRef(model="result")]
    assert all(item == Progress(done=1, total=2) for item in rest if isinstance(item, Progress))


def test_late_watcher_gets_everything_but_progress(compute: Compute) -> None:
    def work(call: Call) -> Message:
        call.emit(ModelRef(model="part"))
        return ModelRef(model="result")

    call = compute.submit(work, None)
    call.result()
    assert list(events(call))[1:] == [ModelRef(model="part"), ModelRef(model="result")]


def test_error_reaches_every_watcher(compute: Compute) -> None:
    def work(_: Call) -> Message:
        raise LookupError("gone")

    call = compute.submit(work, None)
    for _ in range(2):
        with pytest.raises(LookupError, match="gone"):
            list(events(call))


def test_cancelled_work_stops_at_its_next_progress(compute: Compute) -> None:
    reached, cancelled = threading.Event(), threading.Event()

    def work(call: Call) -> Message:
        reached.set()
        assert cancelled.wait(WAIT_SECONDS)
        call.report_progress(1, 2)
        raise AssertionError("the work went on")

    call = compute.submit(work, None)
    assert reached.wait(WAIT_SECONDS)
    call.cancel()
    cancelled.set()
    with pytest.raises(Cancelled):
        call.result()


def test_cancelled_work_that_waits_never_starts(compute: Compute) -> None:
    cancelled, started = threading.Event(), threading.Event()

    def block(_: Call) -> None:
        assert cancelled.wait(WAIT_SECONDS)

    compute.submit(block, None)
    call = compute.submit(lambda _: started.set(), None)
    call.cancel()
    cancelled.set()
    with pytest.raises(Cancelled):
        call.result()
    assert not started.is_set()


def test_waiting_call_tells_that_the_call_before_it_advances(compute: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute_module, "HEARTBEAT_SECONDS", 0.01)
    told = threading.Event()

    def advance(call: Call) -> None:
        while not told.is_set():
            call.report_progress(0, 0)

    compute.submit(advance, None)
    stream = events(compute.submit(lambda _: None, None, total=3))
    assert [next(stream), next(stream)] == [Progress(done=0, total=3)] * 2
    told.set()


def test_waiting_call_is_silent_while_the_call_before_it_hangs(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute_module, "HEARTBEAT_SECONDS", 0.0)
    hangs, end = threading.Event(), threading.Event()

    def hang(_: Call) -> None:
        hangs.set()
        assert end.wait(WAIT_SECONDS)

    compute.submit(hang, None)
    assert hangs.wait(WAIT_SECONDS)
    waiting = compute.submit(lambda _: None, None)
    looks = 0

    class CountingEvent(threading.Event):
        """`gone`, asked at every turn of the watcher: after many turns it is set."""

        def is_set(self) -> bool:
            nonlocal looks
            looks += 1
            return looks > 2000

    assert list(waiting.events(CountingEvent())) == [Progress(done=0, total=0)]
    end.set()


def test_watcher_that_went_away_is_let_go(compute: Compute) -> None:
    gone, end = threading.Event(), threading.Event()

    def block(_: Call) -> None:
        assert end.wait(WAIT_SECONDS)

    call = compute.submit(block, None)
    seen: list[Message] = []
    watcher = threading.Thread(target=lambda: seen.extend(call.events(gone)))
    watcher.start()
    gone.set()
    call.wake()
    watcher.join(WAIT_SECONDS)
    assert not watcher.is_alive()
    end.set()
