"""Servers that tests talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from server_client import RunClient, serve

from drpo_server.server import BoundServer


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[BoundServer, grpc.Channel]]:
    with serve(tmp_path) as bound_and_channel:
        yield bound_and_channel


@pytest.fixture
def bound(served: tuple[BoundServer, grpc.Channel]) -> BoundServer:
    """A server in this process."""
    return served[0]


@pytest.fixture
def channel(served: tuple[BoundServer, grpc.Channel]) -> grpc.Channel:
    return served[1]


@pytest.fixture
def run(channel: grpc.Channel, tiny_llama_folder: Path) -> RunClient:
    """The holder of a run on that server."""
    return RunClient(channel, tiny_llama_folder)
