"""Outputs against Hugging Face and PEFT, and that no sharing or cutting shows in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from device import DEVICE, TOLERANCE
from plain_model import PlainModel, ignore_progress, make_batch, prompted_rows, randomised, unshared_rows

from drpo_server.engine.engine import Engine
from drpo_server.engine.types import Batch, Cancelled, Head, LoraShape, Output, OutputRequest

F64 = torch.float64
FOLDERS = ["tiny_llama_folder", "tiny_gpt_neox_folder", "tiny_qwen3_folder"]
SHAPES = [LoraShape(4, 8.0, last_blocks=1), LoraShape(3, 6.0), None]
BATCHES = {"prompted": make_batch(prompted_rows(7)), "unshared": make_batch(unshared_rows(6))}


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=["last block", "all blocks", "full"])
@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
def test_outputs_are_those_of_plain_code(
    folder: str, shape: LoraShape | None, batch: Batch, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(folder)
    engine = Engine(DEVICE, F64, token_budget=40)
    policy = engine.create_model(name="p", base=path, lora=shape, head=Head.LANGUAGE_MODEL, trainable=True, seed=3)
    critic = engine.create_model(name="c", base=path, lora=shape, head=Head.SCALAR, trainable=False, seed=4)
    plain_policy, plain_critic = PlainModel(randomised(policy, 1)), PlainModel(randomised(critic, 2))
    logprobs, warm, entropy, values, scores = engine.forward(
        batch,
        [
            OutputRequest(policy, Output.LOGPROBS),
            OutputRequest(policy, Output.LOGPROBS, temperature=0.7),
            OutputRequest(policy, Output.ENTROPY, temperature=0.7),
            OutputRequest(critic, Output.VALUES),
            OutputRequest(critic, Output.SCORES),
        ],
        ignore_progress,
    )
    with torch.no_grad():
        distributions = plain_policy.distributions(batch, 0.7)
        expected_entropy = -(distributions.exp() * distributions).sum(-1)
        close(logprobs, plain_policy.logprobs(batch))
        close(warm, plain_policy.logprobs(batch, 0.7))
        close(entropy, expected_entropy)
        close(values, plain_critic.values(batch))
        close(scores, plain_critic.scores(batch))


def test_models_of_different_depth_share_a_trunk(tiny_llama_folder: Path) -> None:
    """The trunk is as deep as the shallowest model allows, and a kept one serves deeper and shallower calls."""
    engine = Engine(DEVICE, F64, token_budget=60)
    batch = BATCHES["prompted"]
    models = [
        randomised(
            engine.create_model(
                name=str(blocks),
                base=tiny_llama_folder,
                lora=LoraShape(4, 8.0, ("q_proj", "down_proj"), last_blocks=blocks),
                head=Head.LANGUAGE_MODEL,
                trainable=False,
                seed=blocks,
            ),
            blocks,
        )
        for blocks in (1, 2, 3)
    ]
    expected = [PlainModel(model).logprobs(batch).detach() for model in models]
    kept = engine.keep(batch)
    for group in ([2], [0], [1, 0], [0, 1, 2]):
        outputs = engine.forward(kept, [OutputRequest(models[i], Output.LOGPROBS) for i in group], ignore_progress)
        for i, output in zip(group, outputs, strict=True):
            close(output, expected[i])


def test_a_kept_batch_runs_the_trunk_once(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE, F64, token_budget=60)
    model = _policy(engine, tiny_llama_folder)
    runs = _count_block_runs(model.base.network.blocks)
    kept = engine.keep(BATCHES["prompted"])
    request = [OutputRequest(model, Output.LOGPROBS)]
    first = engine.forward(kept, request, ignore_progress)[0]
    after_first = list(runs)
    second = engine.forward(kept, request, ignore_progress)[0]
    assert after_first[0] == after_first[3] > 0
    assert runs[:2] == after_first[:2]
    assert runs[2:] == [2 * count for count in after_first[2:]]
    assert torch.equal(first, second)


def test_a_shared_prompt_is_computed_once(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE, F64)
    model = _policy(engine, tiny_llama_folder)
    tokens: list[int] = []
    model.base.network.blocks[0].register_forward_pre_hook(lambda _, args: tokens.append(args[0].shape[1]))
    prompt = list(range(20))
    batch = make_batch([([*prompt, 30 + i, 40], 20, 2) for i in range(6)])
    engine.forward(batch, [OutputRequest(model, Output.LOGPROBS)], ignore_progress)
    assert tokens == [20 + 6]  # each row's last token is nobody's state


@pytest.mark.parametrize("budget", [1, 30, 64, 10_000])
def test_the_cut_and_the_row_order_do_not_show(tiny_llama_folder: Path, budget: int) -> None:
    rows = prompted_rows(9, seed=5) + unshared_rows(4, seed=6)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(budget)).tolist()
    whole = Engine(DEVICE, F64)
    model = _policy(whole, tiny_llama_folder)
    cut = Engine(DEVICE, F64, token_budget=budget)
    request = [OutputRequest(model, Output.LOGPROBS)]
    expected = torch.split(
        whole.forward(make_batch(rows), request, ignore_progress)[0], [length for _, _, length in rows]
    )
    got = cut.forward(make_batch([rows[i] for i in order]), request, ignore_progress)[0]
    close(got, torch.cat([expected[i] for i in order]))


def test_the_same_call_gives_the_same_bits(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE)
    model = _policy(engine, tiny_llama_folder)
    batch = BATCHES["prompted"]
    request = [OutputRequest(model, Output.LOGPROBS), OutputRequest(model, Output.ENTROPY)]
    once, again = (engine.forward(batch, request, ignore_progress) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


def test_progress_counts_rows_and_can_stop_the_pass(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE, token_budget=40)
    model = _policy(engine, tiny_llama_folder)
    seen: list[tuple[int, int]] = []

    def stop_at_four(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.forward(make_batch(prompted_rows(9)), [OutputRequest(model, Output.LOGPROBS)], stop_at_four)
    assert seen[0] == (0, 9)
    assert all(before[0] < after[0] for before, after in pairwise(seen))
    assert seen[-1][0] < 9


def test_what_does_not_fit_is_refused(tiny_llama_folder: Path) -> None:
    engine = Engine(DEVICE)
    model = _policy(engine, tiny_llama_folder)
    with pytest.raises(ValueError, match="no values"):
        engine.forward(BATCHES["prompted"], [OutputRequest(model, Output.VALUES)], ignore_progress)
    with pytest.raises(ValueError, match="129 tokens"):
        engine.forward(make_batch([([1] * 129, 1, 2)]), [OutputRequest(model, Output.LOGPROBS)], ignore_progress)
    with pytest.raises(ValueError, match="vocabulary"):
        engine.forward(make_batch([([1, 64], 1, 1)]), [OutputRequest(model, Output.LOGPROBS)], ignore_progress)


def close(got: torch.Tensor, expected: torch.Tensor) -> None:
    """Outputs travel as float32."""
    torch.testing.assert_close(got.double(), expected.double(), rtol=TOLERANCE, atol=TOLERANCE)


def _policy(engine: Engine, folder: Path):  # type: ignore[no-untyped-def]
    return randomised(
        engine.create_model(
            name="policy",
            base=folder,
            lora=LoraShape(4, 8.0, last_blocks=2),
            head=Head.LANGUAGE_MODEL,
            trainable=True,
            seed=1,
        )
    )


def _count_block_runs(blocks: list[torch.nn.Module]) -> list[int]:
    counts = [0] * len(blocks)

    def counter(place: int):  # type: ignore[no-untyped-def]
        def count(*_: object) -> None:
            counts[place] += 1

        return count

    for place, block in enumerate(blocks):
        block.register_forward_pre_hook(counter(place))
    return counts
