"""Two models mean the same by a token id if what maps texts to ids is the same, whatever their files look like."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_bases import FAMILIES
from server_client import RunClient, refused
from transformers import AutoTokenizer

from drpo_server.proto_gen import tokenizer_service_pb2 as tokens
from drpo_server.vocabulary import difference, load_vocabulary


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one base of each family."""
    root = tmp_path_factory.mktemp("bases")
    for name, write in FAMILIES.items():
        write(root / name)
    return root


def changed(base: Path, copy: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a base whose tokenizer.json is changed."""
    shutil.copytree(base, copy)
    file = copy / "tokenizer.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return copy


def hash_of(folder: Path) -> str:
    return load_vocabulary(folder).hash()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_does_not_matter(bases: Path, family: str, tmp_path: Path) -> None:
    base = bases / family
    saved = shutil.copytree(base, tmp_path / "saved")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = "{{ messages }}"
    tokenizer.save_pretrained(saved)

    def reformat(content: dict[str, Any]) -> None:
        content["truncation"] = {
            "direction": "Right",
            "max_length": 9,
            "strategy": "LongestFirst",
            "stride": 0,
        }

    again = changed(base, tmp_path / "again", reformat)
    for copy in (saved, again):
        assert hash_of(copy) == hash_of(base)
        assert difference(base, copy) == ""


def swap_merges(content: dict[str, Any]) -> None:
    merges = content["model"]["merges"]
    merges[0], merges[1] = merges[1], merges[0]


def lower_case(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Lowercase"}


def split_on_spaces(content: dict[str, Any]) -> None:
    content["pre_tokenizer"] = {"type": "WhitespaceSplit"}


def swap_ids(content: dict[str, Any]) -> None:
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]


def rename_special(content: dict[str, Any]) -> None:
    [token] = [one for one in content["added_tokens"] if one["content"] == "<|end_header_id|>"]
    token["content"] = "<|other|>"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swap_merges, "joins pieces of words"),
        (lower_case, "normalises texts"),
        (split_on_spaces, "splits texts into words"),
        (swap_ids, 'is "b" there and is "a" in the base'),
        (rename_special, 'token 410 is "<|other|>" there and is "<|end_header_id|>" in the base'),
    ],
)
def test_what_matters(bases: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    base = bases / "llama3"
    other = changed(base, tmp_path / "other", change)
    assert hash_of(other) != hash_of(base)
    assert words in difference(base, other)


def test_each_family_is_another(bases: Path) -> None:
    assert len({hash_of(bases / family) for family in FAMILIES}) == len(FAMILIES)
    for one in FAMILIES:
        for other in FAMILIES:
            assert (difference(bases / one, bases / other) == "") == (one == other)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_two_tokens_exchanged_are_found(bases: Path, tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    base = bases / "mistral"

    def exchange(content: dict[str, Any]) -> None:
        vocabulary = content["model"]["vocab"]
        one, two = data.draw(st.lists(st.sampled_from(sorted(vocabulary)[3:]), min_size=2, max_size=2, unique=True))
        vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]

    other = changed(base, tmp_path_factory.mktemp("exchanged") / "other", exchange)
    assert hash_of(other) != hash_of(base)
    assert "token " in difference(base, other)


def test_a_pad_token_more(bases: Path, tmp_path: Path) -> None:
    base = bases / "llama3"
    padded = shutil.copytree(base, tmp_path / "padded")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(padded)
    assert difference(base, padded) == ""
    assert 'token 412 does not exist there and is "[PAD]" in the base' in difference(padded, base)


def compare(run: RunClient, base: Path, other: Path) -> str:
    request = tokens.CompareTokenizersRequest(base=str(base), other=str(other))
    return str(run.tokenizer.CompareTokenizers(request).difference)


def test_a_model_without_a_tokenizer(run: RunClient, bases: Path, tmp_path: Path) -> None:
    for family in ("llama3", "gpt-neox"):  # transformers makes an empty tokenizer of the second's config.json
        bare = tmp_path / family
        bare.mkdir()
        shutil.copy(bases / family / "config.json", bare)
        assert "no tokenizer files" in compare(run, bases / family, bare)


def test_a_model_with_fewer_embeddings(run: RunClient, bases: Path, tmp_path: Path) -> None:
    base = bases / "qwen2"  # 512 embeddings for 410 tokens

    def resized(rows: int) -> Path:
        other = shutil.copytree(base, tmp_path / str(rows))
        config = json.loads((other / "config.json").read_text())
        (other / "config.json").write_text(json.dumps({**config, "vocab_size": rows}))
        return other

    assert "embeddings for 511 tokens and the base for 512" in compare(run, base, resized(511))
    assert compare(run, base, resized(640)) == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter(run: RunClient, bases: Path, family: str, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    assert compare(run, bases / family, adapter) == ""
    AutoTokenizer.from_pretrained(bases / family).save_pretrained(adapter)
    assert compare(run, bases / family, adapter) == ""
    another = bases / ("qwen2" if family != "qwen2" else "llama3")
    assert "token " in compare(run, another, adapter)


def test_what_is_no_model(run: RunClient, bases: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, str(folder), "neither a model"):
            compare(run, bases / "llama3", folder)


def test_a_tokenizer_that_does_not_load(run: RunClient, bases: Path, tmp_path: Path) -> None:
    other = shutil.copytree(bases / "llama3", tmp_path / "other")
    (other / "tokenizer.json").write_text("{")
    with refused(grpc.StatusCode.INVALID_ARGUMENT, str(other), "tokenizer.json is not JSON"):
        compare(run, bases / "llama3", other)


def test_info_has_the_hash(run: RunClient, bases: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bases / "llama3", tmp_path / "copy")
    (copy / "chat_template.jinja").write_text("{{ messages }}")

    def info(folder: Path) -> Any:
        return run.tokenizer.GetTokenizerInfo(tokens.GetTokenizerInfoRequest(base=str(folder)))

    one, other = info(bases / "llama3"), info(copy)
    assert one.vocabulary_hash == other.vocabulary_hash
    assert one.tokenizer_hash != other.tokenizer_hash
