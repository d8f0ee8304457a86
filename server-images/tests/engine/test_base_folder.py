"""What a base is: its weights, its configuration and its end tokens, in whatever files, and nothing else."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_bases import FAMILIES
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from drpo_server.engine.base import load_base
from drpo_server.engine.base_folder import hash_all_safetensors, hash_base, refuse_unfit, weight_files
from drpo_server.tokenizer_files import hash_tokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base of each family."""
    folder = tmp_path_factory.mktemp("published")
    for family, write in FAMILIES.items():
        write(folder / family)
    return folder


@pytest.fixture
def base(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published / "llama3", tmp_path / "base")


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text()) if file.exists() else {}
    change(content)
    file.write_text(json.dumps(content))


def tokenizer_hash(folder: Path) -> str:
    return hash_tokenizer(AutoTokenizer.from_pretrained(folder), folder)


def reshard(base: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    (base / "model.safetensors").unlink()
    model.save_pretrained(base, max_shard_size="20KB")
    assert len(weight_files(base)) > 1


def add_copies(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    other = {name: tensor + 1 for name, tensor in weights.items()}
    for name in ("consolidated.safetensors", "consolidated.00.safetensors", "adapter_model.safetensors"):
        save_file(other, base / name)
    (base / "original").mkdir()
    save_file(other, base / "original" / "model.safetensors")
    (base / "README.md").write_text("A model.")


IRRELEVANT: dict[str, Callable[[Path], object]] = {
    "whitespace": lambda base: (base / "config.json").write_text(
        json.dumps(json.loads((base / "config.json").read_text()), indent=7)
    ),
    "key order": lambda base: edit(base / "config.json", lambda c: c.update(model_type=c.pop("model_type"))),
    "a name": lambda base: edit(base / "config.json", lambda c: c.update(_name_or_path="/somewhere/else")),
    "a version": lambda base: edit(base / "config.json", lambda c: c.update(transformers_version="4.1.0")),
    "a type": lambda base: edit(
        base / "config.json", lambda c: (c.pop("dtype", None), c.update(torch_dtype="float16"))
    ),
    "the cache": lambda base: edit(base / "config.json", lambda c: c.update(use_cache=False)),
    "a spelling": lambda base: edit(
        base / "config.json", lambda c: c["rope_parameters"].update(rope_theta=int(c["rope_parameters"]["rope_theta"]))
    ),
    "sampling": lambda base: edit(base / "generation_config.json", lambda c: c.update(temperature=0.6, top_p=0.9)),
    "metadata": lambda base: save_file(
        load_file(base / "model.safetensors"), base / "model.safetensors", metadata={"format": "pt", "by": "me"}
    ),
    "shards": reshard,
    "other copies": add_copies,
}

RELEVANT: dict[str, Callable[[Path], object]] = {
    "rope": lambda base: edit(base / "config.json", lambda c: c["rope_parameters"].update(rope_theta=500.0)),
    "norm": lambda base: edit(base / "config.json", lambda c: c.update(rms_norm_eps=0.01)),
    "context": lambda base: edit(base / "config.json", lambda c: c.update(max_position_embeddings=128)),
    "activation": lambda base: edit(base / "config.json", lambda c: c.update(hidden_act="gelu")),
    "an end token fewer": lambda base: edit(
        base / "generation_config.json", lambda c: c.update(eos_token_id=c["eos_token_id"][:1])
    ),
    "other end tokens": lambda base: edit(base / "config.json", lambda c: c.update(eos_token_id=[3])),
    "no generation settings": lambda base: (base / "generation_config.json").unlink(),
    "a weight": lambda base: save_file(
        {**(w := load_file(base / "model.safetensors")), "model.norm.weight": w["model.norm.weight"] * 1.0001},
        base / "model.safetensors",
        metadata={"format": "pt"},
    ),
}


@pytest.mark.parametrize("change", IRRELEVANT)
def test_what_decides_nothing_is_no_part_of_a_base(base: Path, change: str) -> None:
    before = hash_base(base)
    IRRELEVANT[change](base)
    assert hash_base(base) == before
    assert load_base(base, CPU, torch.float32).base_hash == before


@pytest.mark.parametrize("change", RELEVANT)
def test_what_decides_numbers_or_ends_is_part_of_a_base(base: Path, change: str) -> None:
    before = hash_base(base)
    RELEVANT[change](base)
    assert hash_base(base) != before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    indent=st.integers(0, 5),
    ignored=st.dictionaries(
        st.sampled_from(["_name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache", "auto_map"]),
        st.one_of(st.text(max_size=5), st.booleans(), st.none()),
    ),
    theta=st.floats(1.0, 1e6, allow_nan=False),
)
def test_a_config_is_known_by_what_it_decides(
    published: Path, base: Path, seed: int, indent: int, ignored: dict[str, Any], theta: float
) -> None:
    content = json.loads((published / "llama3" / "config.json").read_text())
    content["rope_parameters"]["rope_theta"] = theta
    (base / "config.json").write_text(json.dumps(content))
    before = hash_base(base)
    keys = list(content | ignored)
    random.Random(seed).shuffle(keys)
    (base / "config.json").write_text(json.dumps({key: (content | ignored)[key] for key in keys}, indent=indent))
    assert hash_base(base) == before
    edit(base / "config.json", lambda c: c["rope_parameters"].update(rope_theta=theta + 1))
    assert hash_base(base) != before


@pytest.mark.parametrize("family", FAMILIES)
def test_a_copy_is_the_same_base(published: Path, tmp_path: Path, family: str) -> None:
    copy = shutil.copytree(published / family, tmp_path / "copy")
    assert hash_base(copy) == hash_base(published / family)
    assert tokenizer_hash(copy) == tokenizer_hash(published / family)


def test_foreign_weights_are_not_loaded(base: Path) -> None:
    plain = load_base(base, CPU, torch.float32)
    add_copies(base)
    again = load_base(base, CPU, torch.float32)
    pairs = zip(plain.network.module.parameters(), again.network.module.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_an_older_hash_is_known(base: Path) -> None:
    loaded = load_base(base, CPU, torch.float32)
    assert loaded.has_hash(hash_all_safetensors(base))
    assert not loaded.has_hash("0" * 64)


QUANTISED = [
    {"quantization_config": {"quant_method": "gptq", "bits": 4}},
    {"quantization_config": {"quant_method": "awq"}},
    {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    {"quantization_config": {"quant_method": "fp8"}},
    {"quantization_config": {"quant_method": "mxfp4"}},
    {"compression_config": {"quant_method": "compressed-tensors"}},
    {"quantization": {"group_size": 64, "bits": 4}},
]


@pytest.mark.parametrize("fields", QUANTISED)
def test_a_quantised_base_is_refused(base: Path, fields: dict[str, Any]) -> None:
    edit(base / "config.json", lambda c: c.update(fields))
    with pytest.raises(ValueError, match=r"are quantised .*take the release that is not"):
        load_base(base, CPU, torch.float32)


def test_an_adapter_in_the_folder_is_refused(base: Path) -> None:
    (base / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"adapter_config\.json: a PEFT adapter is in the base's folder"):
        load_base(base, CPU, torch.float32)


def test_weights_that_are_left_over_are_refused_by_name(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    save_file(
        {**weights, "v_head.summary.weight": torch.ones(1, 32)}, base / "model.safetensors", metadata={"format": "pt"}
    )
    with pytest.raises(ValueError, match=r"does not have: v_head\.summary\.weight"):
        load_base(base, CPU, torch.float32)


def test_weights_of_another_shape_are_refused_by_name(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(16)
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"other shapes than config\.json says: model\.norm\.weight"):
        load_base(base, CPU, torch.float32)


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        ("model.Q4_K.gguf", "gguf_to_safetensors"),
        ("pytorch_model.bin", "pickled"),
        ("consolidated.safetensors", "Hugging Face layout"),
    ],
)
def test_a_folder_of_other_weights_is_refused_with_advice(base: Path, file: str, advice: str) -> None:
    (base / "model.safetensors").rename(base / file)
    with pytest.raises(FileNotFoundError, match=advice):
        refuse_unfit(base)


def test_a_missing_shard_is_named(base: Path) -> None:
    reshard(base)
    gone = weight_files(base)[-1]
    gone.unlink()
    with pytest.raises(FileNotFoundError, match=gone.name):
        hash_base(base)


def list_templates(base: Path) -> None:
    """As transformers 4 wrote several templates."""
    (base / "chat_template.jinja").unlink()
    listed = [{"name": "default", "template": "{{ messages }}"}]
    edit(base / "tokenizer_config.json", lambda c: c.update(chat_template=listed))


def add_template(base: Path) -> None:
    (base / "additional_chat_templates").mkdir()
    (base / "additional_chat_templates" / "tool_use.jinja").write_text("{{ tools }}")


TOKENIZER_EDITS: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "name": (False, lambda base: edit(base / "tokenizer_config.json", lambda c: c.update(name_or_path="/x"))),
    "format": (
        False,
        lambda base: (base / "tokenizer.json").write_text(
            json.dumps(json.loads((base / "tokenizer.json").read_text()))
        ),
    ),
    "padding side": (False, lambda base: edit(base / "tokenizer_config.json", lambda c: c.update(padding_side="left"))),
    "template": (True, lambda base: (base / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")),
    "other template": (True, add_template),
    "listed templates": (True, list_templates),
    "end token": (
        True,
        lambda base: edit(base / "tokenizer_config.json", lambda c: c.update(eos_token="<|end_of_text|>")),
    ),
    "vocabulary": (
        True,
        lambda base: edit(base / "tokenizer.json", lambda c: c["model"]["merges"].pop()),
    ),
    "special tokens in text": (
        True,
        lambda base: edit(base / "tokenizer_config.json", lambda c: c.update(split_special_tokens=True)),
    ),
}


@pytest.mark.parametrize("change", TOKENIZER_EDITS)
def test_a_tokenizer_is_what_it_makes_of_texts_and_chats(base: Path, change: str) -> None:
    before = tokenizer_hash(base)
    matters, make = TOKENIZER_EDITS[change]
    make(base)
    assert (tokenizer_hash(base) != before) is matters
