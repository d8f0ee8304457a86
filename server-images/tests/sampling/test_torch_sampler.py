"""Sampling against a loop that recomputes every row with plain Hugging Face code, one token at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
import torch
from device import DEVICE
from plain_model import PlainModel, ignore_progress, randomised

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import (
    Cancelled,
    FinishReason,
    Head,
    LoraShape,
    SampleContext,
    SampledRollout,
    SamplingParams,
)
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.sampling.noise import uniform
from drpo_server.sampling.torch_sampler import sample
from drpo_server.splits import Splits

T = TypeVar("T")

PROMPT = [5, 9, 33, 2, 41, 17, 8, 60, 23, 11]
PLAIN = SamplingParams(temperature=1.0)
STOPPING = SamplingParams(temperature=1.3, stop_token_ids=frozenset(range(0, 64, 5)))
CONTEXTS = [
    SampleContext(PROMPT, 12, 0, [1, 2, 2**64 - 1]),
    SampleContext([*PROMPT, 7, 7, 3, 12, 40, 1, 2, 3, 4], 3, 9, [4]),
    SampleContext([44], 5, 0, [5, 6]),
    SampleContext(PROMPT, 1, 0, [7]),
]


@pytest.fixture
def engine() -> Engine:
    return Engine(DEVICE, torch.float64)


@pytest.fixture
def model(engine: Engine, tiny_llama_folder: Path) -> Model:
    return make(engine, tiny_llama_folder)


def make(engine: Engine, folder: Path, head: Head = Head.LANGUAGE_MODEL) -> Model:
    lora = LoraShape(4, 8.0, last_blocks=2)
    return randomised(engine.create_model(name="policy", base=folder, lora=lora, head=head, trainable=True))


def drawn(
    model: Model, contexts: list[SampleContext], params: SamplingParams, token_budget: int = 10_000
) -> dict[tuple[int, int], SampledRollout]:
    found: dict[tuple[int, int], SampledRollout] = {}

    def take(rollout: SampledRollout) -> None:
        place = (rollout.context_index, rollout.continuation_index)
        assert place not in found
        found[place] = rollout

    sample(model, contexts, params, take, ignore_progress, token_budget)
    return found


def naive(
    plain: PlainModel, context: SampleContext, seed: int, params: SamplingParams
) -> tuple[list[int], list[float]]:
    tokens: list[int] = []
    logprobs: list[float] = []
    while len(tokens) < context.max_new_tokens:
        with torch.no_grad():
            logits = plain.logits([*context.token_ids, *tokens])[-1] / params.temperature
        probabilities = torch.softmax(logits, -1).tolist()
        kept = nucleus(probabilities, params)
        threshold = uniform(seed, context.first_position + len(tokens)) * sum(probabilities[i] for i in kept)
        reached = 0.0
        for token in sorted(kept):
            reached += probabilities[token]
            if reached > threshold:
                break
        tokens.append(token)
        logprobs.append(math.log(probabilities[token]))
        if token in params.stop_token_ids:
            break
    return tokens, logprobs


def nucleus(probabilities: list[float], params: SamplingParams) -> list[int]:
    likeliest = sorted(range(len(probabilities)), key=lambda i: (-probabilities[i], i))
    if params.top_k:
        likeliest = likeliest[: params.top_k]
    kept: list[int] = []
    mass, total = 0.0, sum(probabilities[i] for i in likeliest)
    for token in likeliest:
        if mass < params.top_p * total:
            kept.append(token)
        mass += probabilities[token]
    return kept


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder", "tiny_qwen3_folder"])
@pytest.mark.parametrize(
    "params",
    [
        PLAIN,
        STOPPING,
        SamplingParams(1.5, top_p=0.8),
        SamplingParams(1.5, top_k=5),
        SamplingParams(0.9, top_p=0.7, top_k=9, stop_token_ids=frozenset([3])),
    ],
    ids=["plain", "stopping", "top p", "top k", "both"],
)
def test_rollouts_are_those_of_the_naive_loop(
    engine: Engine, folder: str, params: SamplingParams, request: pytest.FixtureRequest
) -> None:
    model = make(engine, request.getfixturevalue(folder))
    plain = PlainModel(model)
    found = drawn(model, CONTEXTS, params)
    assert found.keys() == {(c, s) for c, context in enumerate(CONTEXTS) for s in range(len(context.seeds))}
    for (c, s), rollout in found.items():
        tokens, logprobs = naive(plain, CONTEXTS[c], CONTEXTS[c].seeds[s], params)
        assert rollout.token_ids == tokens
        assert rollout.logprobs == pytest.approx(logprobs, abs=1e-5)
        stopped = tokens[-1] in params.stop_token_ids
        assert rollout.finish_reason is (FinishReason.STOP if stopped else FinishReason.LENGTH)


def test_rollouts_differ_in_length_and_reason_here() -> None:
    """Guards the cases above: they would show little if all rows ended together."""
    assert len({context.max_new_tokens for context in CONTEXTS}) > 2
    assert len({len(context.token_ids) for context in CONTEXTS}) > 2


@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_company_and_waves_do_not_show(model: Model, budget: int) -> None:
    together = drawn(model, CONTEXTS, STOPPING, budget)
    for c, context in enumerate(CONTEXTS):
        for s, seed in enumerate(context.seeds):
            single = SampleContext(context.token_ids, context.max_new_tokens, context.first_position, [seed])
            alone = drawn(model, [single], STOPPING)[0, 0]
            assert alone.token_ids == together[c, s].token_ids
            assert alone.logprobs == pytest.approx(together[c, s].logprobs, abs=1e-6)


def test_a_written_prefix_continues_as_it_would_have(model: Model) -> None:
    """Noise belongs to a position: given its own first tokens as context, a rollout ends the same."""
    whole = drawn(model, [SampleContext(PROMPT, 12, 0, [99])], PLAIN)[0, 0]
    for given in (1, 5, 11):
        context = SampleContext([*PROMPT, *whole.token_ids[:given]], 12 - given, given, [99])
        assert drawn(model, [context], PLAIN)[0, 0].token_ids == whole.token_ids[given:]


def test_finished_rows_leave_and_contexts_are_prefilled_once(model: Model) -> None:
    widths: list[int] = []
    model.base.network.blocks[0].register_forward_pre_hook(lambda _, args: widths.append(args[0].shape[1]))
    contexts = [
        SampleContext([*PROMPT, 1], 4, 1, [1, 2, 3]),
        SampleContext([*PROMPT, 1], 2, 1, [4, 5]),
        SampleContext([*PROMPT, 2], 1, 1, [6]),
    ]
    found = drawn(model, contexts, PLAIN)
    assert widths == [len(PROMPT) + 2, 5, 3, 3]
    assert sorted(len(rollout.token_ids) for rollout in found.values()) == [1, 2, 2, 4, 4, 4]


def test_rollouts_come_as_they_finish(model: Model) -> None:
    order: list[tuple[int, int]] = []
    progress: list[tuple[int, int]] = []
    sample(
        model,
        [SampleContext(PROMPT, 3, 0, [1]), SampleContext(PROMPT, 1, 0, [1, 2])],
        PLAIN,
        lambda rollout: order.append((rollout.context_index, rollout.continuation_index)),
        lambda done, total: progress.append((done, total)),
    )
    assert order == [(1, 0), (1, 1), (0, 0)]
    assert progress == [(0, 3), (2, 3), (2, 3), (3, 3)]


def test_sampling_can_be_stopped(model: Model) -> None:
    positions = 0

    def stop(*_: int) -> None:
        nonlocal positions
        positions += 1
        if positions == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        sample(model, [SampleContext(PROMPT, 50, 0, [1])], PLAIN, lambda _: None, stop)
    assert positions == 3
    assert not model.network.switch.blocks


def test_log_probabilities_are_those_of_a_forward_pass(model: Model) -> None:
    rollout = drawn(model, [SampleContext(PROMPT, 12, 0, [3])], SamplingParams(0.8, top_p=0.9))[0, 0]
    row = [*PROMPT, *rollout.token_ids]
    with torch.no_grad():
        expected = torch.log_softmax(PlainModel(model).logits(row)[:-1] / 0.8, -1)
    chosen = expected[torch.arange(len(row) - 1), torch.tensor(row[1:])][len(PROMPT) - 1 :]
    assert rollout.logprobs == pytest.approx(chosen.tolist(), abs=1e-6)


def test_the_same_call_gives_the_same_bits(tiny_llama_folder: Path) -> None:
    model = make(Engine(DEVICE), tiny_llama_folder)
    assert drawn(model, CONTEXTS, STOPPING) == drawn(model, CONTEXTS, STOPPING)


def test_no_contexts_are_no_work(model: Model) -> None:
    assert drawn(model, [], PLAIN) == {}


def test_what_cannot_be_sampled_is_refused(engine: Engine, model: Model, tiny_llama_folder: Path) -> None:
    critic = make(engine, tiny_llama_folder, Head.SCALAR)
    with pytest.raises(ValueError, match="no language-model head"):
        drawn(critic, CONTEXTS, PLAIN)
    for context, message in (
        (SampleContext([], 1, 0, [1]), "at least one token"),
        (SampleContext([1], 0, 0, [1]), "at least one token"),
        (SampleContext([64], 1, 0, [1]), "outside the vocabulary"),
        (SampleContext([1] * 100, 29, 0, [1]), "would reach 129 tokens"),
    ):
        with pytest.raises(ValueError, match=message):
            drawn(model, [context], PLAIN)
    for params in (SamplingParams(0.0), SamplingParams(1.0, top_p=0.0), SamplingParams(1.0, top_k=-1)):
        with pytest.raises(ValueError, match="out of range"):
            drawn(model, CONTEXTS, params)


class TestOutOfMemory:
    """Waves that do not fit are written again in smaller ones."""

    CONTEXTS: ClassVar = [SampleContext(PROMPT, 12, 0, [row]) for row in range(8)]

    def write(self, model: Model, path: Path, *, fits: int) -> tuple[list[SampledRollout], list[int]]:
        """fits: rows that may be in a wave. Also returns the budgets that were tried."""
        rollouts: list[SampledRollout] = []
        tried: list[int] = []
        run = Splits(path).of(samples.SampleRolloutsRequest(run_id="run")).run

        def starved(attempt: Callable[[int], T], budget: int, *, longest_row: int, part: int) -> tuple[T, int]:
            def once(budget: int) -> T:
                tried.append(budget)
                written = attempt(budget)  # fails late, when rows of the wave are finished
                if budget >= (fits + 1) * longest_row and part > 0:
                    raise torch.OutOfMemoryError("CUDA out of memory")
                return written

            return run(once, budget, longest_row=longest_row, part=part)

        sample(model, self.CONTEXTS, STOPPING, rollouts.append, ignore_progress, 4 * 22, starved)
        return rollouts, tried

    def test_every_row_is_written_once_and_a_replay_writes_the_same(self, model: Model, tmp_path: Path) -> None:
        rollouts, tried = self.write(model, tmp_path / "splits.jsonl", fits=1)
        assert tried == [88, 88, 44, 22, 22, 22, 22]
        assert sorted(rollout.context_index for rollout in rollouts) == list(range(8))
        whole = drawn(model, self.CONTEXTS, STOPPING)
        assert {rollout.context_index: rollout.token_ids for rollout in rollouts} == {
            context: rollout.token_ids for (context, _), rollout in whole.items()
        }
        again, tried = self.write(model, tmp_path / "splits.jsonl", fits=8)
        assert tried == [88, 22, 22, 22, 22]
        assert again == rollouts
