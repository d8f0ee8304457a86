"""However one process ends, all end, and the log says why."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import grpc
import psutil
import pytest
from distributed.conftest import two_processes
from server_client import RunClient
from server_process import HANGS_SECONDS


def test_a_killed_process_ends_all_with_a_message(tmp_path: Path, tiny_llama_folder: Path) -> None:
    with two_processes(tmp_path) as cluster:
        run = RunClient(cluster.channel, tiny_llama_folder)
        policy = run.step(run.create())
        workers = cluster.workers()
        os.kill(workers[1].pid, signal.SIGKILL)
        with pytest.raises(grpc.RpcError):
            run.logprobs(policy)
        assert cluster.torchrun.wait(HANGS_SECONDS) != 0
        assert not psutil.wait_procs(workers, HANGS_SECONDS)[1]
        log = cluster.log.read_text()
        assert "process 0 of 2 ends, and with it all of them" in log or "Signal 9 (SIGKILL)" in log


def test_all_end_with_their_parent(tmp_path: Path) -> None:
    with two_processes(tmp_path, "--exit-with-parent") as cluster:
        workers = cluster.workers()
        assert cluster.torchrun.stdin is not None
        cluster.torchrun.stdin.close()
        assert not psutil.wait_procs(workers, HANGS_SECONDS)[1]
        cluster.torchrun.wait(HANGS_SECONDS)
        cluster.torchrun.stdin = None
