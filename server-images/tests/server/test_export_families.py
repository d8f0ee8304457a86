"""Exports of every family of bases, loaded back as their clients do: transformers, PEFT, and drpo itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from exported_models import ADAPTER, MERGED, bias_of, export, logprobs_of, rows, scores, trained_critic
from peft import AutoPeftModelForCausalLM, PeftModelForSequenceClassification
from published_bases import FAMILIES
from server_client import LORA, RunClient, serve
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from drpo_server.proto_gen import model_service_pb2 as models

TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=FAMILIES)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("base") / str(request.param)
    FAMILIES[request.param](folder)
    templates = folder / "additional_chat_templates"
    templates.mkdir()
    (templates / "tool_use.jinja").write_text("{{ tools }}{{ messages[0]['content'] }}")
    if not (folder / "chat_template.jinja").exists():
        (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    return folder


@pytest.fixture
def run(published: Path, tmp_path: Path) -> Iterator[RunClient]:
    with serve(tmp_path) as (_, channel):
        yield RunClient(channel, published)


def loaded(kind: Any, folder: Path) -> Any:
    """A model that has all weights of the folder, and no others."""
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model


def plain_scores(model: torch.nn.Module) -> list[float]:
    with torch.no_grad():
        return [model(row).logits.item() for row in rows()]


def config_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    return content


def assert_same_tokenizer(folder: Path, base: Path) -> None:
    exported, own = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(base)
    assert exported.chat_template == own.chat_template
    assert "tool_use" in own.chat_template
    assert exported.special_tokens_map == own.special_tokens_map
    text = "the cat is good. <|eot_id|></s>\n  ü"
    assert exported(text)["input_ids"] == own(text)["input_ids"]


@pytest.mark.parametrize("shape", [{"lora": models.LoraShape(rank=2, alpha=4.0)}, {"full": models.FullShape()}])
def test_merged_language_model(run: RunClient, published: Path, shape: dict[str, Any]) -> None:
    ref = run.step(run.create(**shape))
    folder = export(run, ref, MERGED)
    model = loaded(AutoModelForCausalLM, folder)
    assert logprobs_of(model) == pytest.approx(run.logprobs(ref), abs=TOLERANCE)
    assert config_of(folder)["architectures"] == [type(model).__name__]
    assert_same_tokenizer(folder, published)
    again = run.create("again", base=str(folder))
    assert run.logprobs(again) == pytest.approx(run.logprobs(ref), abs=TOLERANCE)


def test_adapter_of_a_language_model(run: RunClient) -> None:
    ref = run.step(run.create())
    model = AutoPeftModelForCausalLM.from_pretrained(export(run, ref, ADAPTER), dtype=torch.float32)
    assert logprobs_of(model) == pytest.approx(run.logprobs(ref), abs=TOLERANCE)


@pytest.mark.parametrize("shape", [{"lora": LORA}, {"full": models.FullShape()}])
def test_merged_reward_model(run: RunClient, published: Path, shape: dict[str, Any]) -> None:
    ref = trained_critic(run, **shape)
    folder = export(run, ref, MERGED)
    model = loaded(AutoModelForSequenceClassification, folder)
    expected = scores(run, ref)
    assert [score + bias_of(folder) for score in plain_scores(model)] == pytest.approx(expected, abs=TOLERANCE)
    config = config_of(folder)
    assert config["architectures"] == [type(model).__name__]
    own = AutoTokenizer.from_pretrained(published)
    assert config["pad_token_id"] == (own.eos_token_id if own.pad_token_id is None else own.pad_token_id)
    assert_same_tokenizer(folder, published)
    # As reward.kind "folder" loads it, with the bias that transformers has no place for.
    again = run.create("again", base=str(folder), head=models.HEAD_SCALAR, full=models.FullShape(), trainable=False)
    assert scores(run, again) == pytest.approx(expected, abs=TOLERANCE)


def test_adapter_of_a_reward_model(run: RunClient, published: Path) -> None:
    ref = trained_critic(run)
    folder = export(run, ref, ADAPTER)
    base = AutoModelForSequenceClassification.from_pretrained(published, num_labels=1, dtype=torch.float32)
    model = PeftModelForSequenceClassification.from_pretrained(base, folder)
    expected = scores(run, ref)
    assert [score + bias_of(folder) for score in plain_scores(model)] == pytest.approx(expected, abs=TOLERANCE)
    again = run.critic("again", peft_adapter=str(folder), trainable=False)
    assert again.version.weights_hash == ref.version.weights_hash
    assert scores(run, again) == pytest.approx(expected, abs=TOLERANCE)
