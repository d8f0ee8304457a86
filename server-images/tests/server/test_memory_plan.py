"""The plan: against what really happens, and what it says where things do not fit."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import torch
from device import DEVICE
from plain_model import ignore_progress
from server_client import LORA, RunClient, refused
from server_process import ENVIRONMENT
from torch.utils._python_dispatch import TorchDispatchMode

from drpo_server.cgroup_memory import cgroup_memory
from drpo_server.engine.engine import Engine
from drpo_server.engine.types import Batch, CrossEntropy, Head, LoraShape, ModelLoss
from drpo_server.memory_plan.live_bytes import LiveBytes
from drpo_server.memory_plan.plan import plan_memory
from drpo_server.memory_plan.request import Plan, PlannedModel, Serving, Workload
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.server import BoundServer

ROW_TOKENS, N_ROWS = 100, 40
SERVING = Serving("cpu", torch.float32, ROW_TOKENS * N_ROWS, 16384, 1, False)
WORKLOAD = Workload(ROW_TOKENS, N_ROWS, 0, 1)
SHAPES = [LoraShape(4, 8.0), LoraShape(4, 8.0, last_blocks=2), None]


def planned(folder: Path, lora: LoraShape | None) -> list[PlannedModel]:
    return [PlannedModel("policy", folder, lora, Head.LANGUAGE_MODEL, True)]


def bytes_of(plan: Plan, *kinds: str) -> int:
    return sum(item.bytes for item in plan.items if item.kind in kinds)


@pytest.mark.parametrize("lora", SHAPES, ids=["adapter", "adapter of the last blocks", "full copy"])
@pytest.mark.parametrize("recompute", [False, True], ids=["", "activation checkpointing"])
@pytest.mark.parametrize("family", ["tiny_llama_folder", "tiny_gpt_neox_folder"])
def test_activations_are_those_of_a_real_pass(
    request: pytest.FixtureRequest, family: str, lora: LoraShape | None, recompute: bool
) -> None:
    folder = request.getfixturevalue(family)
    engine = Engine(DEVICE, torch.float32, SERVING.token_budget, recompute=recompute)
    model = engine.create_model(name="policy", base=folder, lora=lora, head=Head.LANGUAGE_MODEL, trainable=True)
    draw = random.Random(1)
    batch = Batch(
        torch.tensor([draw.randrange(1, 64) for _ in range(ROW_TOKENS * N_ROWS)]),
        torch.full((N_ROWS,), ROW_TOKENS),
        torch.ones(N_ROWS, dtype=torch.int64),
        torch.full((N_ROWS,), ROW_TOKENS - 1),
    )
    loss = ModelLoss(model, CrossEntropy(torch.ones(N_ROWS * (ROW_TOKENS - 1))))
    mode: TorchDispatchMode = LiveBytes()
    with mode:
        engine.forward_backward(batch, [loss], ignore_progress)
    assert isinstance(mode, LiveBytes)
    serving = replace(SERVING, activation_checkpointing=recompute)
    plan = plan_memory(planned(folder, lora), WORKLOAD, serving)
    # Chunks of logits are counted in full, which a tiny vocabulary never fills.
    needed = bytes_of(plan, "activations") - 3 * (64 << 20) + 3 * ROW_TOKENS * N_ROWS * 64 * 4
    needed += bytes_of(plan, "gradients") // 2
    assert 0.75 * needed <= mode.most <= 1.1 * needed


def test_weights_are_those_of_a_real_model(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE)
    for lora in SHAPES:
        model = engine.create_model(name="m", base=tiny_llama_folder, lora=lora, head=Head.SCALAR, trainable=True)
        plan = plan_memory([replace(planned(tiny_llama_folder, lora)[0], head=Head.SCALAR)], WORKLOAD, SERVING)
        moments = bytes_of(plan, "optimizer state")
        assert moments == 2 * 4 * model.trainable_weights


def test_processes_share_weights_and_bfloat16_halves_them(tiny_llama_folder: Path) -> None:
    wide = plan_memory(planned(tiny_llama_folder, LoraShape(4, 8.0)), WORKLOAD, replace(SERVING, device="cuda"))
    narrow = plan_memory(
        planned(tiny_llama_folder, LoraShape(4, 8.0)), WORKLOAD, replace(SERVING, device="cuda", dtype=torch.bfloat16)
    )
    shared = plan_memory(
        planned(tiny_llama_folder, LoraShape(4, 8.0)), WORKLOAD, replace(SERVING, device="cuda", processes=2)
    )
    assert bytes_of(narrow, "weights") == bytes_of(wide, "weights") // 2
    assert bytes_of(narrow, "adapters") == bytes_of(wide, "adapters")
    assert bytes_of(shared, "weights", "adapters") == bytes_of(wide, "weights", "adapters") // 2


class TestCall:
    def plan(self, run: RunClient, **fields: object) -> models.PlanMemoryResponse:
        policy = models.PlannedModel(
            model="policy", base=run.base, lora=LORA, head=models.HEAD_LANGUAGE_MODEL, trainable=True
        )
        request = models.PlanMemoryRequest(models=[policy], training_row_tokens=60, kept_rows=32, **fields)  # type: ignore[arg-type]
        answer: models.PlanMemoryResponse = run.models.PlanMemory(request)
        return answer

    def test_says_what_is_needed_and_loads_nothing(self, run: RunClient) -> None:
        answer = self.plan(run, sampling_rows=32, sampling_row_tokens=60)
        assert answer.fits
        assert answer.advice == ""
        taking_turns = [sum(i.bytes for i in answer.items if i.kind == kind) for kind in ("activations", "KV cache")]
        assert answer.total_bytes == sum(item.bytes for item in answer.items) - min(taking_turns)
        assert {"weights", "adapters", "gradients", "optimizer state", "runtime"} <= {i.kind for i in answer.items}
        assert list(run.models.GetServerInfo(models.GetServerInfoRequest()).resident_bases) == []

    def test_what_does_not_fit_comes_with_advice(self, bound: BoundServer, run: RunClient) -> None:
        bound.services.engine.token_budget = 2**28
        answer = self.plan(run)
        assert not answer.fits
        assert answer.total_bytes > answer.available_bytes
        assert answer.advice.startswith("It fits with --token-budget ")

    def test_a_base_that_is_not_there(self, run: RunClient, tmp_path: Path) -> None:
        run.base = str(tmp_path)
        with refused(grpc.StatusCode.NOT_FOUND, "PlanMemoryRequest.models[0].base", "config.json"):
            self.plan(run)


def run_command(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drpo_server.memory_plan", *options]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_line_projects_from_a_config_alone() -> None:
    config = Path(__file__).parents[3] / "docs" / "serving" / "pythia-2.8b.json"
    common = ["--config", str(config), "--dtype", "bfloat16", "--device", "cuda", "--row-tokens", "565"]
    fits = run_command(*common, "--lora-rank", "64", "--device-memory", "80GiB", "--json")
    assert fits.returncode == 0, fits.stderr
    answer = json.loads(fits.stdout)
    weights = sum(item["bytes"] for item in answer["items"] if item["kind"] == "weights")
    assert weights == 2 * 2_775_208_960  # the published number of weights
    assert answer["fits"]
    full = run_command(*common, "--device-memory", "80GiB")
    assert full.returncode == 3
    assert "It fits" in full.stdout or "No single setting" in full.stdout


class TestControlGroup:
    def write(self, folder: Path, **files: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(f"{content}\n")

    def test_of_version_2_the_tightest_ancestor_counts(self, tmp_path: Path) -> None:
        membership = tmp_path / "membership"
        membership.write_text("0::/pod/container\n")
        self.write(tmp_path / "fs", memory__max="max")
        self.write(tmp_path / "fs/pod", memory__max=1000, memory__current=400, memory__stat="inactive_file 50")
        container = tmp_path / "fs/pod/container"
        self.write(container, memory__max=900, memory__current=100, memory__stat="inactive_file 0")
        assert cgroup_memory(tmp_path / "fs", membership) == (1000, 650)

    def test_of_version_1_and_without_a_limit(self, tmp_path: Path) -> None:
        membership = tmp_path / "membership"
        membership.write_text("4:cpu,memory:/job\n0::/\n")
        job = tmp_path / "fs/memory/job"
        usage = {"memory__usage_in_bytes": 30, "memory__stat": "total_inactive_file 10"}
        self.write(job, memory__limit_in_bytes=9223372036854771712, **usage)
        assert cgroup_memory(tmp_path / "fs", membership) is None
        self.write(job, memory__limit_in_bytes=100, **usage)
        assert cgroup_memory(tmp_path / "fs", membership) == (100, 80)
