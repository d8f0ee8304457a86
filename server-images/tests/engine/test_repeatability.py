"""The same calls give the same bits, on any device: a run that is resumed ends as one that was not interrupted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from device import DEVICE
from plain_model import Row, ignore_progress, make_batch, randomised

from drpo_server.engine.engine import Engine
from drpo_server.engine.repeatable import repeatable
from drpo_server.engine.types import AdamW, ClippedSurrogate, Head, LoraShape, ModelLoss

ADAMW = AdamW(learning_rate=1e-2, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.1)


def answers_to_one_prompt(count: int) -> list[Row]:
    """Many tokens are drawn from the last state of the prompt, and many rows read it: sums of many terms, which a GPU
    would take in an order of its own. PyTorch looks up more than 3,072 rows at once in another way than fewer."""
    draw = random.Random(5)
    prompt = [draw.randrange(64) for _ in range(40)]
    return [(prompt + [draw.randrange(64) for _ in range(length)], len(prompt), length) for length in [80] * count]


BATCH = make_batch(answers_to_one_prompt(48))


def trained(folder: Path, shape: LoraShape | None) -> str:
    """The weights' hash after three steps."""
    engine = Engine(DEVICE, token_budget=10_000)
    model = randomised(
        engine.create_model(name="m", base=folder, lora=shape, head=Head.LANGUAGE_MODEL, trainable=True), seed=3
    )
    generator = torch.Generator().manual_seed(7)
    old, advantages = (torch.randn(int(BATCH.span_lengths.sum()), generator=generator) for _ in range(2))
    loss = ClippedSurrogate(old - 4, advantages, torch.full_like(advantages, 1 / 48), 0.9, 1e9)
    for _ in range(3):
        engine.forward_backward(BATCH, [ModelLoss(model, loss)], ignore_progress)
        engine.optimizer_step(model, ADAMW, max_gradient_norm=1.0)
    return model.weights_hash()


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder"])
@pytest.mark.parametrize("shape", [LoraShape(4, 8.0), None], ids=["lora", "full"])
def test_training_twice_gives_the_same_bits(
    folder: str, shape: LoraShape | None, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(folder)
    assert trained(path, shape) == trained(path, shape)


def fail_within(device: torch.device) -> None:
    with repeatable(device):
        assert torch.are_deterministic_algorithms_enabled() == (device.type != "cpu")
        raise KeyError


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_order_of_sums_is_fixed_in_the_block_only(device: str) -> None:
    with pytest.raises(KeyError):
        fail_within(torch.device(device))
    assert not torch.are_deterministic_algorithms_enabled()
