"""Weights: where they come from, how they leave, and that they come back to the bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from device import DEVICE
from peft import PeftModel
from plain_model import PlainModel, ignore_progress, make_batch, prompted_rows, randomised
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from drpo_server.engine.base import load_base
from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import AdamW, CrossEntropy, Head, LoraShape, ModelLoss, Output, OutputRequest

BATCH = make_batch(prompted_rows(6))
SHAPE = LoraShape(4, 8.0, last_blocks=2)
ADAMW = AdamW(learning_rate=1e-2, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.1)


@pytest.fixture
def engine() -> Engine:
    return Engine(DEVICE)


def make(engine: Engine, folder: Path, shape: LoraShape | None = SHAPE, head: Head = Head.LANGUAGE_MODEL) -> Model:
    return engine.create_model(name="m", base=folder, lora=shape, head=head, trainable=True, seed=7)


def train(engine: Engine, model: Model, steps: int) -> None:
    weights = torch.ones(int(BATCH.span_lengths.sum()))
    for _ in range(steps):
        engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(weights))], ignore_progress)
        engine.optimizer_step(model, ADAMW, max_gradient_norm=1.0)


def logprobs(engine: Engine, model: Model) -> Tensor:
    return engine.forward(BATCH, [OutputRequest(model, Output.LOGPROBS)], ignore_progress)[0]


def test_a_new_adapter_computes_what_the_base_does(engine: Engine, tiny_llama_folder: Path) -> None:
    model = make(engine, tiny_llama_folder)
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama_folder)
    row = BATCH.token_ids[: int(BATCH.row_lengths[0])]
    start, length = int(BATCH.span_starts[0]), int(BATCH.span_lengths[0])
    expected = torch.log_softmax(plain(row[None]).logits[0], -1)[torch.arange(len(row) - 1), row[1:]]
    torch.testing.assert_close(logprobs(engine, model)[:length], expected[start - 1 : start - 1 + length].detach())
    assert model.trainable_weights == sum(tensor.numel() for tensor in model.state().values())


def test_first_weights_are_kaiming_uniform_by_seed(engine: Engine, tiny_llama_folder: Path) -> None:
    one, same = make(engine, tiny_llama_folder), make(engine, tiny_llama_folder)
    other = engine.create_model(
        name="o", base=tiny_llama_folder, lora=SHAPE, head=Head.LANGUAGE_MODEL, trainable=True, seed=8
    )
    assert one.weights_hash() == same.weights_hash() != other.weights_hash()
    key = "base_model.model.model.layers.3.mlp.down_proj.lora_A.weight"
    a = one.state()[key]
    assert a.shape == (4, 48)
    assert 0.8 / 48**0.5 < float(a.abs().max()) <= 1 / 48**0.5
    assert not one.state()[key.replace("lora_A", "lora_B")].any()


def test_models_of_one_base_do_not_disturb_each_other(engine: Engine, tiny_llama_folder: Path) -> None:
    first = randomised(make(engine, tiny_llama_folder), 1)
    alone = logprobs(engine, first)
    second = randomised(make(engine, tiny_llama_folder), 2)
    full = make(engine, tiny_llama_folder, None)
    train(engine, second, 1)
    train(engine, full, 1)
    assert torch.equal(logprobs(engine, first), alone)
    assert not torch.equal(logprobs(engine, second), alone)
    assert first.base is second.base
    # Checkpoints of before name a base by the bytes of its weights.
    assert first.base.has_hash(hashlib.sha256((tiny_llama_folder / "model.safetensors").read_bytes()).hexdigest())


def test_copies(engine: Engine, tiny_llama_folder: Path) -> None:
    critic = randomised(make(engine, tiny_llama_folder, head=Head.SCALAR), 3)

    def copied(head: Head, *, reset_head: bool = False, lora: LoraShape = SHAPE) -> dict[str, Tensor]:
        return engine.create_model(
            name="copy",
            base=tiny_llama_folder,
            lora=lora,
            head=head,
            trainable=True,
            copy_of=critic,
            reset_head=reset_head,
        ).state()

    source = critic.state()
    same = copied(Head.SCALAR)
    assert all(torch.equal(same[name], source[name]) for name in source)
    reset = copied(Head.SCALAR, reset_head=True)
    assert not reset["score.weight"].any()
    assert not reset["score.bias"].any()
    policy = copied(Head.LANGUAGE_MODEL)
    assert policy.keys() == source.keys() - {"score.weight", "score.bias"}
    assert all(torch.equal(policy[name], source[name]) for name in policy)
    with pytest.raises(ValueError, match="base or shape differ"):
        copied(Head.SCALAR, lora=LoraShape(4, 9.0, last_blocks=2))


@pytest.mark.parametrize("shape", [SHAPE, None], ids=["lora", "full"])
def test_saved_and_restored_training_continues_bit_for_bit(
    engine: Engine, tiny_llama_folder: Path, shape: LoraShape | None
) -> None:
    straight = make(engine, tiny_llama_folder, shape)
    train(engine, straight, 2)
    weights, moments = straight.state(), straight.optimizer_state()
    train(engine, straight, 2)
    restored = make(engine, tiny_llama_folder, shape)
    restored.load_state(weights)
    restored.load_optimizer_state(moments)
    train(engine, restored, 2)
    assert restored.weights_hash() == straight.weights_hash()
    assert all(torch.equal(restored.optimizer_state()[k], v) for k, v in straight.optimizer_state().items())
    forgetful = make(engine, tiny_llama_folder, shape)
    forgetful.load_state(weights)
    train(engine, forgetful, 2)
    assert forgetful.weights_hash() != straight.weights_hash()


def test_state_that_does_not_fit_is_refused_whole(engine: Engine, tiny_llama_folder: Path) -> None:
    model = randomised(make(engine, tiny_llama_folder, head=Head.SCALAR))
    before, state = model.weights_hash(), model.state()
    zeros = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    with pytest.raises(ValueError, match=r"missing weights \['score.bias'\]"):
        model.load_state({name: tensor for name, tensor in zeros.items() if name != "score.bias"})
    with pytest.raises(ValueError, match="unknown weights"):
        model.load_state({**zeros, "other": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"score.weight has shape \[1, 31\], expected \[1, 32\]"):
        model.load_state({**zeros, "score.weight": torch.zeros(1, 31)})
    assert model.weights_hash() == before
    with pytest.raises(ValueError, match="belongs to no weight"):
        model.load_optimizer_state({"other.exp_avg": torch.zeros(1)})
    with pytest.raises(ValueError, match="shape"):
        model.load_optimizer_state({"score.weight.exp_avg": torch.zeros(2)})
    with pytest.raises(ValueError, match="lacks"):
        model.load_optimizer_state({"score.bias.exp_avg": torch.zeros(1)})


def test_an_exported_adapter_loads_in_peft_and_back(engine: Engine, tiny_llama_folder: Path, tmp_path: Path) -> None:
    model = randomised(make(engine, tiny_llama_folder))
    (tmp_path / "adapter_config.json").write_text(json.dumps(model.peft_config()))
    save_file(model.state(), tmp_path / "adapter_model.safetensors")
    wrapped = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_llama_folder), str(tmp_path)).eval()
    row = BATCH.token_ids[: int(BATCH.row_lengths[0])]
    start, length = int(BATCH.span_starts[0]), int(BATCH.span_lengths[0])
    with torch.no_grad():
        expected = torch.log_softmax(wrapped(row[None]).logits[0], -1)[torch.arange(len(row) - 1), row[1:]]
    torch.testing.assert_close(
        logprobs(engine, model)[:length], expected[start - 1 : start - 1 + length], rtol=1e-4, atol=1e-5
    )
    again = engine.create_model(
        name="again",
        base=tiny_llama_folder,
        lora=SHAPE,
        head=Head.LANGUAGE_MODEL,
        trainable=False,
        peft_adapter=tmp_path,
    )
    assert again.weights_hash() == model.weights_hash()
    for wrong, message in (
        (LoraShape(3, 8.0, last_blocks=2), "r is 4"),
        (LoraShape(4, 4.0, last_blocks=2), "lora_alpha is 8.0"),
        (LoraShape(4, 8.0, last_blocks=3), "targets are not the model's"),
        (LoraShape(4, 8.0, ("q_proj",), last_blocks=2), "targets are not the model's"),
    ):
        with pytest.raises(ValueError, match=message):
            engine.create_model(
                name="wrong",
                base=tiny_llama_folder,
                lora=wrong,
                head=Head.LANGUAGE_MODEL,
                trainable=False,
                peft_adapter=tmp_path,
            )


@pytest.mark.parametrize("folder", ["tiny_llama_folder", "tiny_gpt_neox_folder"])
def test_a_merged_model_computes_the_same_in_transformers(
    engine: Engine, folder: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(folder)
    model = randomised(make(engine, path, LoraShape(4, 8.0)))
    (tmp_path / "config.json").write_text((path / "config.json").read_text())
    save_file(model.merged_state(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    merged = make(engine, tmp_path)
    torch.testing.assert_close(logprobs(engine, merged), logprobs(engine, model), rtol=1e-4, atol=1e-4)


def test_a_classifier_folder_gives_the_first_scalar_head(engine: Engine, tiny_classifier_folder: Path) -> None:
    model = make(engine, tiny_classifier_folder, head=Head.SCALAR)
    plain = AutoModelForSequenceClassification.from_pretrained(tiny_classifier_folder).eval()
    plain.config.pad_token_id = -1
    scores = engine.forward(BATCH, [OutputRequest(model, Output.SCORES)], ignore_progress)[0]
    with torch.no_grad():
        expected = [plain(row[None]).logits[0, 0] for row in torch.split(BATCH.token_ids, BATCH.row_lengths.tolist())]
    torch.testing.assert_close(scores, torch.stack(expected), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="no language-model head"):
        make(engine, tiny_classifier_folder)


def test_a_merged_scalar_model_is_a_classifier(engine: Engine, tiny_classifier_folder: Path, tmp_path: Path) -> None:
    model = make(engine, tiny_classifier_folder, head=Head.SCALAR)
    state = model.state()
    state["score.bias"] += 0.5
    model.load_state(state)
    (tmp_path / "config.json").write_text((tiny_classifier_folder / "config.json").read_text())
    save_file(model.merged_state(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    again = make(engine, tmp_path, head=Head.SCALAR)
    request = [OutputRequest(model, Output.SCORES), OutputRequest(again, Output.SCORES)]
    assert torch.equal(*engine.forward(BATCH, request, ignore_progress))


def test_folders_that_cannot_be_a_base_are_refused(tiny_llama_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_base(tmp_path / "absent", DEVICE, torch.float32)
    config = json.loads((tiny_llama_folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({"model.norm.weight": torch.ones(32)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="safetensors"):
        load_base(tmp_path, DEVICE, torch.float32)
    save_file({"model.norm.weight": torch.ones(32)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="weights are missing"):
        load_base(tmp_path, DEVICE, torch.float32)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ValueError, match="unsupported architecture 'gpt2'"):
        load_base(tmp_path, DEVICE, torch.float32)


def test_shapes_that_do_not_fit_the_base_are_refused(engine: Engine, tiny_llama_folder: Path) -> None:
    for shape, message in (
        (LoraShape(4, 8.0, ("query_key_value",)), "target_modules"),
        (LoraShape(4, 8.0, last_blocks=5), "last_blocks is 5"),
        (LoraShape(0, 8.0), "rank is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            make(engine, tiny_llama_folder, shape)


def test_bfloat16_weights_train_in_float32(tiny_llama_folder: Path) -> None:
    """Runs at all, keeps wide adapter weights, and stays near float32."""
    narrow, wide = Engine(DEVICE, torch.bfloat16), Engine(DEVICE)
    for shape in (SHAPE, None):
        model = make(narrow, tiny_llama_folder, shape)
        exact = make(wide, tiny_llama_folder, shape)
        difference = logprobs(narrow, model) - logprobs(wide, exact)
        assert 0 < float(difference.abs().mean()) < 0.1
        train(narrow, model, 1)
        assert {tensor.dtype for tensor in model.state().values()} == {torch.float32}
        assert model.weights_hash() != make(narrow, tiny_llama_folder, shape).weights_hash()


def test_plain_model_is_not_the_engine(engine: Engine, tiny_llama_folder: Path) -> None:
    """Guards the yardstick: other weights give other outputs."""
    model = make(engine, tiny_llama_folder)
    before = PlainModel(model).logprobs(BATCH)
    assert not torch.allclose(before, PlainModel(randomised(model)).logprobs(BATCH), atol=1e-2)
