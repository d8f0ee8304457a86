"""A server of two processes, as torchrun starts it on one machine without GPUs: the weights are sharded over gloo."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
import pytest
from server_client import arguments
from server_process import ENVIRONMENT, HANGS_SECONDS, read_serving_line

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "drpo_server"]


@dataclass(frozen=True)
class Cluster:
    """Two processes under torchrun."""

    torchrun: subprocess.Popen[str]
    channel: grpc.Channel
    log: Path

    def workers(self) -> list[psutil.Process]:
        """By rank."""
        return sorted(psutil.Process(self.torchrun.pid).children(), key=lambda process: int(process.environ()["RANK"]))

    def terminate(self) -> int:
        """As a scheduler would. Returns the exit code of torchrun."""
        self.torchrun.send_signal(signal.SIGTERM)
        return self.torchrun.wait(HANGS_SECONDS)


@contextmanager
def two_processes(root: Path, *options: str) -> Iterator[Cluster]:
    """Serves the folders below `root`."""
    log = root / "server.log"
    with log.open("w") as stream:
        torchrun = subprocess.Popen(
            [*TORCHRUN, *arguments(root), *options],
            env={**ENVIRONMENT, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
        try:
            channel = grpc.insecure_channel(read_serving_line(torchrun)["address"])
            with channel:
                yield Cluster(torchrun, channel, log)
        finally:
            if torchrun.poll() is None:
                torchrun.terminate()
            torchrun.communicate(timeout=HANGS_SECONDS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Shared by the tests of a file, each of which speaks for a run of its own. Micro-batches of few rows."""
    with two_processes(tmp_path_factory.mktemp("cluster"), "--token-budget", "24") as served:
        yield served
