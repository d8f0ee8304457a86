"""Calls that run out of memory: what is tried, what is remembered, and that a replay makes the same bits."""

from __future__ import annotations

import random
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import torch
from server_client import RunClient, arguments, serve
from server_process import started

from drpo_server.errors import OutOfMemory
from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import trainer_service_pb2 as training
from drpo_server.server import SPLITS
from drpo_server.splits import Splits

ROW_TOKENS, N_ROWS, BUDGET = 100, 320, 32_768
LEFT_BYTES = 64 << 20
"""What a starved server may still take: the batch needs about twice that at once."""


class Attempts:
    """Work that fits up to a budget, and the budgets that were tried."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.tried: list[int] = []

    def __call__(self, budget: int) -> str:
        self.tried.append(budget)
        if budget > self.fits:
            raise torch.OutOfMemoryError(f"CUDA out of memory with {budget}")
        return "done"


class TestBudgets:
    """The rules, without an engine."""

    REQUEST = training.ForwardRequest(run_id="run")

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "splits.jsonl"

    def test_are_halved_until_it_fits(self, path: Path) -> None:
        attempts = Attempts(fits=300)
        assert Splits(path).of(self.REQUEST).run(attempts, 2048, longest_row=100) == ("done", 256)
        assert attempts.tried == [2048, 1024, 512, 256]

    def test_are_taken_at_once_by_a_replay(self, path: Path) -> None:
        Splits(path).of(self.REQUEST).run(Attempts(fits=300), 2048, longest_row=100)
        replay = Attempts(fits=2048)
        # Another run, another fence: the same computation.
        splittable = Splits(path).of(training.ForwardRequest(run_id="another"))
        assert splittable.run(replay, 2048, longest_row=100) == ("done", 256)
        assert replay.tried == [256]

    def test_are_those_of_a_part(self, path: Path) -> None:
        splittable = Splits(path).of(self.REQUEST)
        splittable.run(Attempts(fits=300), 2048, longest_row=100, part=7)
        assert splittable.run(Attempts(fits=2048), 2048, longest_row=100)[1] == 2048
        assert splittable.run(Attempts(fits=2048), 2048, longest_row=100, part=7)[1] == 256

    def test_end_at_one_row(self, path: Path) -> None:
        attempts = Attempts(fits=99)
        with pytest.raises(OutOfMemory, match=r"with one row at a time.*the longest has 100 tokens.*shorter rows"):
            Splits(path).of(self.REQUEST).run(attempts, 250, longest_row=100)
        assert attempts.tried == [250, 125, 100]
        assert not path.exists()

    def test_are_not_tried_where_processes_compute_together(self, path: Path) -> None:
        attempts = Attempts(fits=300)
        with pytest.raises(torch.OutOfMemoryError):
            Splits(path, processes=2).of(self.REQUEST).run(attempts, 2048, longest_row=100)
        assert attempts.tried == [2048]

    def test_other_errors_are_left_as_they_are(self, path: Path) -> None:
        def broken(_: int) -> None:
            raise RuntimeError("shapes differ")

        with pytest.raises(RuntimeError, match="shapes differ"):
            Splits(path).of(self.REQUEST).run(broken, 2048, longest_row=100)

    def test_a_line_that_a_crash_cut_is_dropped(self, path: Path) -> None:
        Splits(path).of(self.REQUEST).run(Attempts(fits=300), 2048, longest_row=100)
        path.write_bytes(path.read_bytes() + b'{"computed": "ab')
        again = Splits(path)
        again.of(self.REQUEST).run(Attempts(fits=300), 2048, longest_row=100, part=1)
        assert len(path.read_text().splitlines()) == 2
        assert Splits(path).of(self.REQUEST).run(Attempts(fits=2048), 2048, longest_row=100)[1] == 256

    def test_a_damaged_file_is_refused(self, path: Path) -> None:
        path.write_text("nonsense\n")
        with pytest.raises(ValueError, match=r"splits\.jsonl is damaged"):
            Splits(path)


def big_batch() -> common.TokenBatch:
    draw = random.Random(1)
    tokens = [draw.randrange(1, 64) for _ in range(N_ROWS * ROW_TOKENS)]
    return common.TokenBatch(
        token_ids=tokens,
        row_lengths=[ROW_TOKENS] * N_ROWS,
        span_starts=[1] * N_ROWS,
        span_lengths=[ROW_TOKENS - 1] * N_ROWS,
    )


def outputs(run: RunClient, ref: common.ModelRef, batch: common.BatchInput) -> Any:
    output = training.OutputRequest(model=ref, output=training.OUTPUT_LOGPROBS)
    return run.result(run.trainer.Forward, training.ForwardRequest(run_id=run.run_id, batch=batch, outputs=[output]))


def gradient_request(run: RunClient, ref: common.ModelRef, kept_as: str) -> training.ForwardBackwardRequest:
    weights = [1e-4] * (N_ROWS * (ROW_TOKENS - 1))
    loss = training.ModelLoss(model=ref, cross_entropy=training.CrossEntropyLoss(weights=weights))
    return run.gradient_request(ref, batch=common.BatchInput(kept_batch_id=kept_as), losses=[loss])


@contextmanager
def server_process(root: Path, base: Path, attempt: str) -> Iterator[tuple[subprocess.Popen[str], RunClient]]:
    with (
        started(*arguments(root), "--token-budget", str(BUDGET)) as (process, event),
        grpc.insecure_channel(event["address"]) as channel,
    ):
        yield process, RunClient(channel, base, attempt=attempt)


def starve(process: subprocess.Popen[str]) -> None:
    """From now on the process gets little more memory than it has: allocations fail as they do on a full machine."""
    limit = psutil.Process(process.pid).memory_info().vms + LEFT_BYTES
    resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))


def train(run: RunClient, ref: common.ModelRef, kept_as: str) -> tuple[Any, Any, common.ModelRef]:
    """Outputs of a batch that is kept, a gradient on it, sent twice, and a step."""
    forward = outputs(run, ref, common.BatchInput(rows=big_batch(), keep_as=kept_as))
    request = gradient_request(run, ref, kept_as)
    backward = run.result(run.trainer.ForwardBackward, request)
    assert run.result(run.trainer.ForwardBackward, request) == backward
    answer = run.trainer.OptimizerStep(run.step_request(ref, [request.mutation.request_id]))
    return forward, backward, common.ModelRef(model=ref.model, version=answer.version)


def test_a_starved_server_splits_and_a_replay_makes_the_same_bits(tmp_path: Path, tiny_llama_folder: Path) -> None:
    with server_process(tmp_path, tiny_llama_folder, "attempt-1") as (process, run):
        ref = run.create()
        start = run.save([ref])
        starve(process)
        forward, backward, after = train(run, ref, "minibatch-0")
        assert 100 <= backward.token_budget < BUDGET
        process.kill()  # and nothing that came after `start` was saved
    assert len((tmp_path / "checkpoints" / SPLITS).read_text().splitlines()) >= 1

    with server_process(tmp_path, tiny_llama_folder, "attempt-2") as (process, run):
        [ref] = run.restore(start)
        again = train(run, ref, "another name")
        assert again[:2] == (forward, backward)
        assert again[2].version.weights_hash == after.version.weights_hash

    with serve(tmp_path / "unsplit") as (_, channel):
        run = RunClient(channel, tiny_llama_folder)
        ref = run.create()
        whole = train(run, ref, "minibatch-0")
    assert whole[1].token_budget != backward.token_budget
    assert backward.losses[0].loss == pytest.approx(whole[1].losses[0].loss, rel=1e-6)
    assert forward.outputs[0].values == pytest.approx(whole[0].outputs[0].values, abs=1e-4)
