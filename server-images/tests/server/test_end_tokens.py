"""Which tokens end a response, and what exports tell their clients of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from published_bases import FAMILIES
from server_client import RunClient, refused
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import tokenizer_service_pb2 as tokens

INVALID = grpc.StatusCode.INVALID_ARGUMENT
ADAPTER, MERGED = models.EXPORT_FORMAT_PEFT_ADAPTER, models.EXPORT_FORMAT_MERGED


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Llama 3's habits: token 408 is <|end_of_text|>, 411 is <|eot_id|>, which ends turns and is the tokenizer's."""
    FAMILIES["llama3"](tmp_path / "base")
    return tmp_path / "base"


def patch(folder: Path, name: str, **fields: Any) -> None:
    """Fields of a JSON file; None leaves one out. A file that is not there is made."""
    file = folder / name
    content = {**(json.loads(file.read_text()) if file.is_file() else {}), **fields}
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def ends(run: RunClient, base: Path) -> list[int]:
    info = run.tokenizer.GetTokenizerInfo(tokens.GetTokenizerInfoRequest(base=str(base)))
    assert info.eos_token_id == info.end_token_ids[0]
    return list(info.end_token_ids)


@pytest.mark.parametrize(
    ("generation", "config", "expected"),
    [
        ([408, 411], 408, [411, 408]),
        ([30, 408, 411, 31, 30], None, [411, 30, 408, 31]),
        (411, [408, 411], [411]),
        (408, None, [411, 408]),  # the tokenizer's own ends responses too
        (None, [408, 33], [411, 408, 33]),
        ([], 33, [411, 33]),
        (None, 408, [411, 408]),
        (None, None, [411]),
    ],
)
def test_every_place_counts(
    run: RunClient, base: Path, generation: object, config: object, expected: list[int]
) -> None:
    patch(base, "generation_config.json", eos_token_id=generation)
    patch(base, "config.json", eos_token_id=config)
    assert ends(run, base) == expected


def test_no_generation_config(run: RunClient, base: Path) -> None:
    (base / "generation_config.json").unlink()
    patch(base, "config.json", eos_token_id=[408, 40])
    assert ends(run, base) == [411, 408, 40]


def test_responses_end_as_the_template_ends_a_turn(run: RunClient, base: Path) -> None:
    # As Llama 3 Instruct was first published: the tokenizer names the end of a text, the template ends turns otherwise.
    patch(base, "tokenizer_config.json", eos_token="<|end_of_text|>")
    assert ends(run, base) == [411, 408]


def test_a_turns_end_that_is_no_end_token(run: RunClient, base: Path) -> None:
    # As bases that bring a chat template but were never trained on it, such as Qwen's with ChatML.
    patch(base, "tokenizer_config.json", eos_token="<|end_of_text|>")
    patch(base, "generation_config.json", eos_token_id=408)
    assert ends(run, base) == [408]


@pytest.mark.parametrize("template", [None, "{{ raise_exception('no') }}", "{{ 1 / 0 }}", "{{ messages[0].role }}"])
def test_a_template_that_tells_nothing(run: RunClient, base: Path, template: str | None) -> None:
    (base / "chat_template.jinja").unlink()
    if template:
        (base / "chat_template.jinja").write_text(template)
    patch(base, "tokenizer_config.json", eos_token="<|end_of_text|>")
    assert ends(run, base) == [408, 411]


def test_a_tokenizers_end_that_is_not_listed_comes_last(run: RunClient, base: Path) -> None:
    (base / "chat_template.jinja").unlink()
    patch(base, "generation_config.json", eos_token_id=[408, 33])
    assert ends(run, base) == [408, 33, 411]


@pytest.mark.parametrize("name", ["generation_config.json", "config.json"])
@pytest.mark.parametrize("value", ["</s>", "408", -1, 412, 10**12, True, 408.0, [408, None], [[408]], {"id": 408}])
def test_malformed(run: RunClient, base: Path, name: str, value: object) -> None:
    if name == "config.json":
        patch(base, "generation_config.json", eos_token_id=None)
    patch(base, name, eos_token_id=value)
    with refused(INVALID, f"{base / name}: eos_token_id is {json.dumps(value)}", "from 0 to 411"):
        ends(run, base)


def test_no_end_token_at_all(run: RunClient, base: Path) -> None:
    patch(base, "generation_config.json", eos_token_id=None)
    patch(base, "config.json", eos_token_id=None)
    patch(base, "tokenizer_config.json", eos_token=None)
    with refused(INVALID, str(base), "which token ends a response", "generation_config.json", "tokenizer_config.json"):
        ends(run, base)


def export(run: RunClient, base: Path, export_format: models.ExportFormat, **fields: Any) -> Path:
    ref = run.create(base=str(base), **fields)
    request = models.ExportModelRequest(mutation=run.mutation(), model=ref, format=export_format, uri="stages/out")
    return Path(run.result(run.models.ExportModel, request).path)


def listed(folder: Path) -> list[int]:
    eos = GenerationConfig.from_pretrained(folder).eos_token_id
    return eos if isinstance(eos, list) else [eos]


@pytest.mark.parametrize(
    ("generation", "config"),
    [([30, 408], None), (None, [408, 33]), (408, 408), ([408, 411], [408, 411])],
)
def test_a_merged_export_ends_as_the_run_did(run: RunClient, base: Path, generation: object, config: object) -> None:
    patch(base, "generation_config.json", eos_token_id=generation, temperature=0.6, do_sample=True)
    patch(base, "config.json", eos_token_id=config)
    expected = ends(run, base)
    folder = export(run, base, MERGED)
    assert set(listed(folder)) == set(expected)
    assert GenerationConfig.from_pretrained(folder).temperature == 0.6
    assert set(ends(run, folder)) == set(expected)


def test_a_merged_export_of_a_base_without_generation_settings(run: RunClient, base: Path) -> None:
    (base / "generation_config.json").unlink()
    patch(base, "config.json", eos_token_id=[408, 40], pad_token_id=5)
    folder = export(run, base, MERGED)
    settings = AutoModelForCausalLM.from_pretrained(folder).generation_config
    assert (settings.eos_token_id, settings.bos_token_id, settings.pad_token_id) == ([411, 408, 40], 407, 5)


def test_generate_stops_where_the_run_did(run: RunClient, base: Path) -> None:
    # Nearly every token ends a response, and none of them is the tokenizer's.
    many = list(range(400))
    patch(base, "generation_config.json", eos_token_id=many)
    folder = export(run, base, MERGED)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer("the cat", return_tensors="pt")["input_ids"]
    written = model.generate(prompt, max_new_tokens=20, do_sample=False, pad_token_id=0)[0, prompt.shape[1] :]
    assert len(written) < 20
    assert int(written[-1]) in {*many, 411}


def test_an_adapter_brings_settings_only_where_the_bases_differ(run: RunClient, base: Path) -> None:
    assert not (export(run, base, ADAPTER) / "generation_config.json").exists()
    patch(base, "generation_config.json", eos_token_id=408)
    assert set(listed(export(run, base, ADAPTER, model="other"))) == {408, 411}


def test_a_reward_model_has_no_generation_settings(run: RunClient, base: Path) -> None:
    (base / "generation_config.json").unlink()
    folder = export(run, base, MERGED, head=models.HEAD_SCALAR)
    assert not (folder / "generation_config.json").exists()
