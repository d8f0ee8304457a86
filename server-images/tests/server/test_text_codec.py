"""Any text in, the same text out of the tokens: on tokenizers with the habits of published ones."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from published_bases import FAMILIES
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Words
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from drpo_server.errors import InvalidArgument
from drpo_server.tokenizers import TextPart, Tokenizer

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
METASPACE = ("mistral", "unigram")  # a text that begins with a space is read as one that does not, as by their clients
SPELLINGS = [
    *("<s>", "</s>", "<unk>", "<|endoftext|>", "<|padding|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>"),
    *("<|eot_id|>", "<|start_header_id|>", "<0x0A>", "<0xE2>", "[INST]", "<|", "|>"),
]

texts = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from([*SPELLINGS, " ", "  ", " " * 7, "\n", "\r\n", "\t", "\0", "é", "e\u0301", "\u0301", "👩‍👩‍👧"]),
        st.sampled_from(["the", " cat", "says", ' "good"', "."]),
    ),
    min_size=1,
    max_size=6,
).map("".join)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(family)
    FAMILIES[family](folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(folder)


@pytest.fixture(scope="module")
def published(folder: Path) -> Any:
    """The tokenizer as every client reads it."""
    return AutoTokenizer.from_pretrained(folder)


def data(text: str) -> list[TextPart]:
    return [TextPart(text, special_tokens=False)]


def template(text: str) -> list[TextPart]:
    return [TextPart(text, special_tokens=True)]


def ids(tokenizer: Tokenizer, text: str, **options: bool) -> list[int]:
    return tokenizer.tokenize([data(text)], **options)[0]


def text_of(tokenizer: Tokenizer, row: Sequence[int], *, continues: bool = False) -> str:
    return tokenizer.detokenize([row], skip_special_tokens=True, continues=continues)[0]


def written(family: str, text: str) -> str:
    """What the family's own normalisation leaves of a text."""
    return unicodedata.normalize("NFC", text) if family == "qwen2" else text


def first_written(family: str, text: str) -> str:
    return written(family, text).removeprefix(" ") if family in METASPACE else written(family, text)


@quick
@given(prompt=texts, response=texts, data=st.data())
def test_prompt_and_response_decode_to_the_rows_text(
    family: str, tokenizer: Tokenizer, prompt: str, response: str, data: st.DataObject
) -> None:
    assume("▁" not in prompt + response)  # the same as a space to SentencePiece
    first, then = ids(tokenizer, prompt), ids(tokenizer, response, continues=True)
    assume(first)
    expected = first_written(family, prompt) + written(family, response)
    assert text_of(tokenizer, first + then) == expected
    assert text_of(tokenizer, first) + text_of(tokenizer, then, continues=True) == expected
    cut = data.draw(st.integers(0, len(then)))
    head = text_of(tokenizer, first + then[:cut])
    assert expected.startswith(head.rstrip("\ufffd"))


@quick
@given(text=texts)
def test_ids_are_those_of_every_client_where_nothing_is_spelled(
    tokenizer: Tokenizer, published: Any, text: str
) -> None:
    assume(not any(spelling in text for spelling in SPELLINGS))
    assert ids(tokenizer, text) == published(text, add_special_tokens=False)["input_ids"]
    assert ids(tokenizer, text, add_begin_tokens=True) == published(text)["input_ids"]


@quick
@given(before=texts, after=texts)
def test_data_never_writes_a_special_token_and_a_template_does(
    tokenizer: Tokenizer, published: Any, before: str, after: str
) -> None:
    special = published.eos_token
    spelled = tokenizer.tokenize([data(before + special + after)])[0]
    assert not set(spelled) & set(published.all_special_ids)
    row = tokenizer.tokenize([[*data(before), *template(special), *data(after)]])[0]
    assert [token for token in row if token in published.all_special_ids] == [published.eos_token_id]


@quick
@given(parts=st.lists(st.sampled_from(["the cat", " ", "\n", "says", "é", "x"]), min_size=1, max_size=4))
def test_a_templates_text_has_the_ids_of_every_client(tokenizer: Tokenizer, published: Any, parts: list[str]) -> None:
    for special in published.all_special_tokens:
        text = special.join(parts) + special
        assert tokenizer.tokenize([template(text)])[0] == published(text, add_special_tokens=False)["input_ids"]


@quick
@given(numbers=st.lists(st.integers(0, 10_000), max_size=12), skips=st.booleans())
def test_any_ids_decode_as_for_every_client(
    tokenizer: Tokenizer, published: Any, numbers: list[int], skips: bool
) -> None:
    row = [number % len(published) for number in numbers]
    expected = published.decode(row, skip_special_tokens=skips, clean_up_tokenization_spaces=False)
    assert tokenizer.detokenize([row], skip_special_tokens=skips) == [expected]


def test_begin_tokens_follow_the_tokenizers_rule_and_are_never_doubled(
    family: str, tokenizer: Tokenizer, published: Any
) -> None:
    begin = published("a")["input_ids"][: -len(published("a", add_special_tokens=False)["input_ids"])]
    assert tokenizer.begin_token_ids == begin == {"llama3": [407], "qwen2": [], "gpt-neox": []}.get(family, [1])
    spelled = "".join(published.convert_ids_to_tokens(begin))
    for parts in (data(f"{spelled}the cat"), template(f"{spelled}the cat"), [*template(spelled), *data("the cat")]):
        row = tokenizer.tokenize([parts], add_begin_tokens=True)[0]
        assert row[: len(begin)] == begin
        assert not set(row[len(begin) :]) & set(begin)


@pytest.mark.parametrize("family", ["llama3", "qwen2", "mistral", "llama2"], indirect=True)
class TestChats:
    @quick
    @given(content=texts.filter(lambda text: text.strip() != ""))
    def test_messages_are_text_and_the_template_holds_the_tokens(
        self, tokenizer: Tokenizer, published: Any, content: str
    ) -> None:
        messages = [{"role": "user", "content": content}]
        text, row = tokenizer.apply_chat_template(messages, add_generation_prompt=True, now=NOW)
        assert text == published.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        of_any = published.apply_chat_template(
            [{"role": "user", "content": "x"}], add_generation_prompt=True, return_dict=False
        )
        specials = set(published.all_special_ids)
        assert [token for token in row if token in specials] == [token for token in of_any if token in specials]

    def test_ids_are_those_of_every_client(self, tokenizer: Tokenizer, published: Any) -> None:
        messages = [
            {"role": "system", "content": "says"},
            {"role": "user", "content": "the cat "},
            {"role": "assistant", "content": "a dog"},
            {"role": "user", "content": "\nwho?"},
        ]
        _, row = tokenizer.apply_chat_template(messages, add_generation_prompt=True, now=NOW)
        assert row == published.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)


def test_hash_of_the_vocabulary_is_that_of_its_content(tmp_path: Path) -> None:
    for name in ("llama3", "qwen2"):
        FAMILIES[name](tmp_path / name)
    copy = AutoTokenizer.from_pretrained(tmp_path / "llama3")
    copy.chat_template = "another"
    copy.save_pretrained(tmp_path / "copy")
    (tmp_path / "copy" / "config.json").write_text((tmp_path / "llama3" / "config.json").read_text())
    hashes = {name: Tokenizer(tmp_path / name).vocabulary_hash for name in ("llama3", "qwen2", "copy")}
    assert hashes["llama3"] == hashes["copy"] != hashes["qwen2"]


def words_in(folder: Path, words: Words, template: str | None = None, **special: str) -> Tokenizer:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": len(tokenizer)}))
    return Tokenizer(folder)


def byte_level(*added: AddedToken) -> Words:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Words(models.BPE({piece: i for i, piece in enumerate(alphabet)}, []))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    words.decoder = decoders.ByteLevel()
    words.add_tokens(list(added))
    return words


def chat(tokenizer: Tokenizer, content: str, now: datetime = NOW) -> tuple[str, list[int]]:
    return tokenizer.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, now=now)


def test_turn_markers_that_are_not_special_are_text_in_messages_and_thoughts_are_tokens(tmp_path: Path) -> None:
    """As DeepSeek R1's tokenizer has them."""
    added = [AddedToken(content, special=False) for content in ("<user>", "<assistant>", "<think>")]
    template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant><think>{% endif %}"
    )
    tokenizer = words_in(tmp_path, byte_level(*added), template)
    user, assistant, think = (ids(tokenizer, "<think>")[0] + offset for offset in (-2, -1, 0))
    _, row = chat(tokenizer, "a<assistant><think>b")
    assert [token for token in row if token >= user] == [user, think, assistant, think]
    assert max(ids(tokenizer, "<user>")) < user


def test_a_prefix_space_is_put_before_beginnings_alone(tmp_path: Path) -> None:
    tokenizer = words_in(tmp_path, byte_level())
    assert ids(tokenizer, "ab")[1:] == ids(tokenizer, "ab", continues=True)


def test_flags_of_special_tokens_hold(tmp_path: Path) -> None:
    stripping = AddedToken("<end>", special=True, rstrip=True, normalized=True)
    alone = AddedToken("<one>", special=True, single_word=True)
    words = byte_level(stripping, alone)
    words.normalizer = normalizers.Lowercase()
    tokenizer = words_in(tmp_path, words)
    published = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("a<end>  b", "A <one> b", "a<one>b", "<one><end>\n"):
        assert tokenizer.tokenize([template(text)])[0] == published(text, add_special_tokens=False)["input_ids"]


def test_a_longer_token_counts_before_the_special_one_that_it_contains(tmp_path: Path) -> None:
    words = byte_level(AddedToken("<a>", special=True), AddedToken("<a><b>", special=False))
    tokenizer = words_in(tmp_path, words)
    published = AutoTokenizer.from_pretrained(tmp_path)
    text = "x<a><b><a>"
    assert tokenizer.tokenize([template(text)])[0] == published(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('roles must alternate') }}", "refuses these messages: roles must alternate"),
        ("{{ messages[0].content + 1 }}", "TypeError"),
        ("{{ messages[0].nothing.more }}", "UndefinedError"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("{% for %}", "TemplateSyntaxError"),
        ("{{ '\\ud800' }}", "UnicodeEncodeError"),
    ],
)
def test_whatever_a_template_raises_is_said(tmp_path: Path, template: str, said: str) -> None:
    tokenizer = words_in(tmp_path, byte_level(), template)
    with pytest.raises(InvalidArgument, match=said):
        chat(tokenizer, "a")


def test_templates_read_the_time_that_they_are_given(tmp_path: Path) -> None:
    tokenizer = words_in(tmp_path, byte_level(), "{{ strftime_now('%d %b %Y %H:%M') }}: {{ messages[0].content }}")
    assert tokenizer.template_reads_clock
    assert chat(tokenizer, "a")[0] == "04 Mar 2026 05:06: a"
    assert chat(tokenizer, "a", datetime(2025, 12, 31, 23, 59, tzinfo=UTC))[0] == "31 Dec 2025 23:59: a"


def test_a_template_sees_messages_as_they_are(tmp_path: Path) -> None:
    template = "{% if '<end>' in messages[0].content %}warned {% endif %}{{ messages[0].content | trim }}<end>"
    tokenizer = words_in(tmp_path, byte_level(AddedToken("<end>", special=True)), template, eos_token="<end>")
    text, row = chat(tokenizer, " a<end> ")
    assert text == "warned a<end><end>"
    assert [token for token in row if token >= 256] == [256]
    assert row[-1] == 256


def test_a_tokenizer_that_cannot_write_a_text_says_so(tmp_path: Path) -> None:
    words = Words(models.WordLevel({"a": 0}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = words_in(tmp_path, words)
    with pytest.raises(InvalidArgument, match="cannot write a text"):
        ids(tokenizer, "b")
