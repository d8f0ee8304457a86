"""The process: how it refuses to start, and what it does when vLLM ends under it.

That nothing outlives a killed server is checked at the end of every `started`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import grpc
import psutil
import pytest
from server_client import RunClient
from vllm_sampler.conftest import (
    COMMAND,
    HANGS_SECONDS,
    SERVER_IMAGES,
    Servers,
    publish,
    sampler_options,
    started,
    sync,
)

from drpo_server.settings import SettingsError, read_settings


def refused_with(options: list[str], code: int) -> str:
    """What a server says that does not start."""
    environment = {**os.environ, "PYTHONPATH": str(SERVER_IMAGES)}
    ended = subprocess.run(
        [*COMMAND, *options], env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    return ended.stderr


def test_an_unknown_setting_of_vllm_is_named_with_the_nearest(base: Path, tmp_path: Path) -> None:
    options = sampler_options(tmp_path, base, tmp_path)
    options[options.index("--engine-options") + 1] = '{"tensor_paralel_size": 2}'
    assert "did you mean tensor_parallel_size?" in refused_with(options, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--base", "/nowhere"], "no Hugging Face folder"),
        (["--dtype", "float64"], "float32 or bfloat16"),
        (["--preload", "/nowhere"], "--base"),
        (["--engine", "torch"], "are for --engine vllm"),
    ],
)
def test_settings_that_do_not_go_together(base: Path, tmp_path: Path, change: list[str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read_settings(["--engine", "vllm", *sampler_options(tmp_path, base, tmp_path), *change], {})


def test_stops_when_vllm_has_ended(trainer: RunClient, servers: Servers, tmp_path: Path) -> None:
    options = sampler_options(tmp_path, servers.base, servers.published)
    with started(*options) as (process, address), grpc.insecure_channel(address) as channel:
        sampler = RunClient(channel, servers.base)
        ref = trainer.create()
        sync(sampler, ref, publish(trainer, ref))
        for child in psutil.Process(process.pid).children():
            if "EngineCore" in child.name():
                child.kill()
        with pytest.raises(grpc.RpcError):
            sampler.answers(sampler.sampler.SampleRollouts, sampler.sample_request(ref))
        assert process.wait(HANGS_SECONDS) == 3
