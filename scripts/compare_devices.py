"""Holds a device against the CPU: the same model, the same batch, the same noise; what differs, and by how much.

    PYTHONPATH=server-images python scripts/compare_devices.py assets/reviews-base --device cuda --dtype float32

Prints JSON. `difference` are the device's results against the CPU's in float32: log-probabilities, values and losses as
they are, gradients and the five steps' change of the weights relative to their size. `repeats`: whether the same calls
on the device, made again, gave the same bits. `seconds`: one gradient and one sampling call, the fastest of three.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# As the server does, and before PyTorch reads them: a fixed order of sums, and threads that sleep while they wait.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from torch import Tensor

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import (
    AdamW,
    Batch,
    ClippedSurrogate,
    ClippedValue,
    Head,
    LoraShape,
    ModelLoss,
    Output,
    OutputRequest,
    SampleContext,
    SampledRollout,
    SamplingParams,
)
from drpo_server.sampling.torch_sampler import sample

ADAMW = AdamW(learning_rate=1e-4, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.0)
STEPS = 5


def ignore(_done: int, _total: int) -> None:
    """An on_progress that never stops the work."""


@dataclass(frozen=True)
class Case:
    """What is computed, whatever the device."""

    base: Path
    lora: LoraShape | None
    batch: Batch
    old_logprobs: Tensor
    advantages: Tensor
    token_budget: int
    contexts: list[SampleContext]


def make_case(options: argparse.Namespace, vocabulary: int) -> Case:
    """Rows with one prompt, half of them with a reset prefix that others share: shapes of a policy's iteration."""
    generator = torch.Generator().manual_seed(options.seed)

    def tokens(count: int) -> list[int]:
        return torch.randint(vocabulary, (count,), generator=generator).tolist()

    prompt, prefix = tokens(options.prompt), tokens(options.tokens // 2)
    starts = [prompt + (prefix if row % 2 else []) for row in range(options.rows)]
    lengths = [options.prompt + options.tokens - len(start) for start in starts]
    rows = [start + tokens(length) for start, length in zip(starts, lengths, strict=True)]
    spans = sum(lengths)
    return Case(
        base=options.base,
        lora=LoraShape(options.rank, 2.0 * options.rank) if options.rank else None,
        batch=Batch(
            *map(torch.tensor, ([t for r in rows for t in r], [*map(len, rows)], [*map(len, starts)], lengths))
        ),
        old_logprobs=torch.randn(spans, generator=generator) * 0.1 - 7.6,
        advantages=torch.randn(spans, generator=generator),
        token_budget=options.token_budget,
        contexts=[
            SampleContext(start, length, 0, [7 + i])
            for i, (start, length) in enumerate(zip(starts, lengths, strict=True))
        ],
    )


def fastest(call: Callable[[], Any], device: torch.device) -> float:
    """Seconds of the fastest of three calls, after one that is not counted."""
    taken = []
    for _ in range(4):
        _synchronize(device)
        before = time.perf_counter()
        call()
        _synchronize(device)
        taken.append(time.perf_counter() - before)
    return min(taken[1:])


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Trained:
    """A policy and a critic, and all that is computed with them on one device."""

    def __init__(self, case: Case, device: torch.device, dtype: torch.dtype) -> None:
        self.case, self.device = case, device
        self.engine = Engine(device, dtype, case.token_budget)
        self.policy, self.critic = self._model(Head.LANGUAGE_MODEL, 1), self._model(Head.SCALAR, 2)
        requests = [
            OutputRequest(self.policy, Output.LOGPROBS),
            OutputRequest(self.policy, Output.ENTROPY),
            OutputRequest(self.critic, Output.VALUES),
        ]
        self.logprobs, self.entropies, self.values = self.engine.forward(case.batch, requests, ignore)
        self.rollouts = self.sample()
        self.losses = self.add_gradients()
        self.gradients = {name: g.cpu().double() for name, g in self.policy.gradients.items()}
        before = self.policy.state()
        self.step()
        for _ in range(STEPS - 1):
            self.add_gradients()
            self.step()
        self.change = {name: after.double() - before[name].double() for name, after in self.policy.state().items()}

    def _model(self, head: Head, seed: int) -> Model:
        """Every B and every head at random, so that it computes something of its own."""
        model = self.engine.create_model(
            name=head.value, base=self.case.base, lora=self.case.lora, head=head, trainable=True, seed=seed
        )
        generator = torch.Generator().manual_seed(seed)
        state = model.state()
        for name, tensor in state.items():
            if ".lora_B." in name or name.startswith("score."):
                state[name] = torch.randn(tensor.shape, generator=generator) * 0.02
        model.load_state(state)
        return model

    def add_gradients(self) -> list[float]:
        """The two losses."""
        weights = torch.full_like(self.case.advantages, 1 / len(self.case.advantages))
        surrogate = ClippedSurrogate(self.case.old_logprobs, self.case.advantages, weights, 0.2, 0.2)
        value = ClippedValue(torch.zeros_like(weights), self.case.advantages, weights, 0.2)
        losses = [ModelLoss(self.policy, surrogate), ModelLoss(self.critic, value)]
        return [result.loss for result in self.engine.forward_backward(self.case.batch, losses, ignore)]

    def step(self) -> None:
        """Of both models."""
        for model in (self.policy, self.critic):
            self.engine.optimizer_step(model, ADAMW, 1.0)

    def sample(self) -> dict[int, SampledRollout]:
        """One rollout a row, by row."""
        found: dict[int, SampledRollout] = {}

        def take(rollout: SampledRollout) -> None:
            found[rollout.context_index] = rollout

        sample(self.policy, self.case.contexts, SamplingParams(1.0), take, ignore)
        return found

    def sampler_trainer_gap(self) -> float:
        """Largest difference between a token's log-probability in sampling and in a forward pass, nats."""
        case = self.case
        found = self.sample()
        rows = [[*context.token_ids, *found[i].token_ids] for i, context in enumerate(case.contexts)]
        starts = [len(context.token_ids) for context in case.contexts]
        batch = Batch(
            torch.tensor([token for row in rows for token in row]),
            torch.tensor([len(row) for row in rows]),
            torch.tensor(starts),
            torch.tensor([len(row) - start for row, start in zip(rows, starts, strict=True)]),
        )
        (again,) = self.engine.forward(batch, [OutputRequest(self.policy, Output.LOGPROBS)], ignore)
        sampled = torch.tensor([logprob for i in range(len(rows)) for logprob in found[i].logprobs])
        return float((again - sampled).abs().max())


def relative(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """|found - expected| / |expected| over all tensors."""
    difference = sum(float((found[name] - tensor).square().sum()) for name, tensor in expected.items())
    return float((difference / sum(float(tensor.square().sum()) for tensor in expected.values())) ** 0.5)


def compare(found: Trained, expected: Trained) -> dict[str, float]:
    """The device's results against the CPU's."""
    rows = range(len(expected.rollouts))
    same = [found.rollouts[i].token_ids == expected.rollouts[i].token_ids for i in rows]
    return {
        "logprob_largest_nats": float((found.logprobs - expected.logprobs).abs().max()),
        "logprob_mean_nats": float((found.logprobs - expected.logprobs).abs().mean()),
        "entropy_largest_nats": float((found.entropies - expected.entropies).abs().max()),
        "value_largest": float((found.values - expected.values).abs().max()),
        "policy_loss": abs(found.losses[0] - expected.losses[0]),
        "value_loss": abs(found.losses[1] - expected.losses[1]),
        "gradient_relative": relative(found.gradients, expected.gradients),
        "change_of_weights_relative": relative(found.change, expected.change),
        "rollouts_with_other_tokens": len(same) - sum(same),
    }


def repeats(one: Trained, other: Trained) -> dict[str, bool]:
    """Whether two times the same gave the same bits."""
    return {
        "logprobs": torch.equal(one.logprobs, other.logprobs),
        "gradients": all(torch.equal(one.gradients[name], tensor) for name, tensor in other.gradients.items()),
        "policy_after_steps": one.policy.weights_hash() == other.policy.weights_hash(),
        "critic_after_steps": one.critic.weights_hash() == other.critic.weights_hash(),
        "rollouts": one.rollouts == other.rollouts,
    }


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/compare_devices.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("base", type=Path, help="Hugging Face folder")
    parser.add_argument("--device", default="cuda", help="torch device (default: cuda)")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float64"], default="float32")
    parser.add_argument("--rank", type=int, default=8, help="of LoRA; 0: all weights train (default: 8)")
    parser.add_argument("--rows", type=int, default=64, help="rollouts (default: 64)")
    parser.add_argument("--prompt", type=int, default=16, help="tokens before them (default: 16)")
    parser.add_argument("--tokens", type=int, default=48, help="of a rollout with its prefix (default: 48)")
    parser.add_argument("--token-budget", type=int, default=2048, help="of a micro-batch (default: 2048)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    cpu, device = torch.device("cpu"), torch.device(options.device)
    case = make_case(options, json.loads((options.base / "config.json").read_text())["vocab_size"])
    expected = Trained(case, cpu, torch.float32)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    one, other = (Trained(case, device, getattr(torch, options.dtype)) for _ in range(2))
    report = {
        "base": str(options.base),
        "shape": f"lora, rank {options.rank}" if options.rank else "full",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "dtype": options.dtype,
        "torch": torch.__version__,
        "difference": compare(one, expected),
        "sampler_trainer_gap_nats": one.sampler_trainer_gap(),
        "repeats": repeats(one, other),
        "seconds": {
            name: {"cpu": fastest(getattr(expected, call), cpu), "device": fastest(getattr(one, call), device)}
            for name, call in (("gradient", "add_gradients"), ("sampling", "sample"))
        },
        "cpu_threads": torch.get_num_threads(),
        "peak_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
