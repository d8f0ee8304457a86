"""Text to token ids and back, with special tokens told apart from text that merely spells them.

Two copies of a tokenizer are kept in which every control token is spelled by a *sentinel*: private-use characters with
a random part, which no text can hold. Text of templates has its control tokens replaced by sentinels and is encoded
with the rest in one go, so that pre-tokenisation and the flags of added tokens work as they always do. The second copy
is for text that goes on from other text: it puts no space before the first word, and takes none away when it decodes.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import tokenizers

from drpo_server.errors import InvalidArgument

_PRIVATE_USE = range(0xE000, 0xF900)
_BYTE_PIECE = re.compile(r"(?<=<)(?=0x[0-9A-F]{2}>)")


def private_word() -> str:
    """Ten random private-use characters, about 126 bits: no text holds them by chance or on purpose."""
    return "".join(chr(secrets.choice(_PRIVATE_USE)) for _ in range(10))


class TextCodec:
    """Any thread may call it."""

    def __init__(self, serialized: str, control_ids: Collection[int]) -> None:
        """serialized: tokenizer.json. control_ids: added tokens that only a template may write; others stay tokens
        wherever they are spelled."""
        content = json.loads(serialized)
        added = content["added_tokens"]
        self._nonce = private_word()
        self._spelling = {token["id"]: token["content"] for token in added if token["id"] in control_ids}
        self._sentinel = {id_: self._nonce + _two_characters(i) for i, id_ in enumerate(self._spelling)}
        self._sentinel_of = {self._spelling[id_]: sentinel for id_, sentinel in self._sentinel.items()}
        self._spelling_of = {sentinel: spelling for spelling, sentinel in self._sentinel_of.items()}
        # The tokenizer looks for those that are not normalised first.
        self._added = [_any_of([token for token in added if token["normalized"] is late]) for late in (False, True)]
        self._sentinels = re.compile(re.escape(self._nonce) + "..", re.DOTALL)
        self._has_byte_pieces = content["model"]["type"] == "Unigram" and bool(content["model"].get("byte_fallback"))

        renamed = json.dumps(_renamed(content, self._sentinel_of))
        self._plain = tokenizers.Tokenizer.from_str(renamed)
        continuing = json.dumps(_continuing(json.loads(renamed)))
        self._lock = threading.Lock()
        self._unread: str | None = None if continuing == renamed else continuing
        self._continuing = self._plain
        self._check_sentinels()

    def spelled(self, token_ids: Iterable[int]) -> str:
        """Control tokens as they are written."""
        return "".join(self._spelling[token] for token in token_ids)

    def sentinels(self, token_ids: Iterable[int]) -> str:
        """Control tokens as `encode` reads them."""
        return "".join(self._sentinel[token] for token in token_ids)

    def is_control(self, token_ids: Iterable[int]) -> bool:
        return all(token in self._sentinel for token in token_ids)

    def mark(self, text: str) -> str:
        """A template's text, with sentinels for the control tokens that it spells."""
        return self.replace_control_tokens(text, lambda spelling: self._sentinel_of[spelling])

    def replace_control_tokens(self, text: str, replacement: Callable[[str], str]) -> str:
        """Text with `replacement(spelling)` for each control token that it spells; the longest counts, as for the
        tokenizer."""

        def replaced(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
            if not patterns:
                return text
            done, end = [], 0
            for match in patterns[0].finditer(text):
                spelling = match[0]
                done.append(replaced(text[end : match.start()], patterns[1:]))
                done.append(replacement(spelling) if spelling in self._sentinel_of else spelling)
                end = match.end()
            return "".join([*done, replaced(text[end:], patterns[1:])])

        return replaced(text, self._added)

    def encode(self, texts: Sequence[str], *, continues: bool) -> list[list[int]]:
        """Token ids; nothing is put before or after a text. Sentinels in it are control tokens, and nothing else is.

        Raises InvalidArgument for a text that the vocabulary cannot write."""
        apart = [self._apart(text) for text in texts]
        first = _encode(self._continuation() if continues else self._plain, [parts[0] for parts in apart])
        rest = iter(_encode(self._continuation(), [part for parts in apart for part in parts[1:]]))
        for row, parts in zip(first, apart, strict=True):
            for _ in parts[1:]:
                row += next(rest)
        return first

    def decode(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool, continues: bool) -> list[str]:
        """Texts, as the tokens spell them: no spaces are cleaned up."""
        tokenizer = self._continuation() if continues else self._plain
        texts: list[str] = tokenizer.decode_batch([list(row) for row in rows], skip_special_tokens=skip_special_tokens)
        return [self._with_spellings(text) for text in texts]

    def _with_spellings(self, text: str) -> str:
        if self._nonce not in text:
            return text
        return self._sentinels.sub(lambda match: self._spelling_of[match[0]], text)

    def _apart(self, text: str) -> list[str]:
        """Unigram's search would take the text "<0x0A>" for the piece of that byte."""
        if not self._has_byte_pieces or "<0x" not in text:
            return [text]
        return _BYTE_PIECE.split(text)

    def _continuation(self) -> tokenizers.Tokenizer:
        """Read when it is first needed: a large vocabulary takes a second and 100 MB."""
        with self._lock:
            if self._unread is not None:
                self._continuing = tokenizers.Tokenizer.from_str(self._unread)
                self._unread = None
            return self._continuing

    def _check_sentinels(self) -> None:
        ids = list(self._sentinel)
        if _encode(self._plain, [self._sentinel[id_] for id_ in ids]) != [[id_] for id_ in ids]:
            wrong = [self._spelling[id_] for id_ in ids if self._plain.token_to_id(self._sentinel[id_]) != id_]
            raise InvalidArgument(f"the ids of its added tokens are not those of its vocabulary: {', '.join(wrong)}")


def _two_characters(number: int) -> str:
    high, low = divmod(number, len(_PRIVATE_USE))
    return chr(_PRIVATE_USE[high]) + chr(_PRIVATE_USE[low])


def _any_of(added: Sequence[dict[str, Any]]) -> re.Pattern[str]:
    """Of added tokens; where several are spelled, the longest."""
    longest_first = sorted(added, key=lambda token: -len(token["content"]))
    return re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")


def _pattern(token: dict[str, Any]) -> str:
    spelling = re.escape(token["content"])
    return rf"(?<!\w){spelling}(?!\w)" if token["single_word"] else spelling


def _encode(tokenizer: tokenizers.Tokenizer, texts: list[str]) -> list[list[int]]:
    try:
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    except Exception as error:  # what the Rust library raises: a word level vocabulary without an unknown token
        raise InvalidArgument(f"the tokenizer cannot write a text: {error}") from error


def _renamed(content: dict[str, Any], sentinel_of: dict[str, str]) -> dict[str, Any]:
    """The tokenizer with control tokens under other names and the same ids, and without what is random or is added."""
    for token in content["added_tokens"]:
        if token["content"] in sentinel_of:
            # Found in the text as it stands: what a normaliser would make of a sentinel does not matter.
            token |= {"content": sentinel_of[token["content"]], "normalized": False, "single_word": False}
    model = content["model"]
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {sentinel_of.get(piece, piece): id_ for piece, id_ in vocabulary.items()}
    else:
        model["vocab"] = [[sentinel_of.get(piece, piece), score] for piece, score in vocabulary]
    if "merges" in model:
        model["merges"] = [
            [left, right] for left, right in model["merges"] if not sentinel_of.keys() & {left, right, left + right}
        ]
    if model.get("unk_token") is not None:
        model["unk_token"] = sentinel_of.get(model["unk_token"], model["unk_token"])
    if "dropout" in model:
        model["dropout"] = None
    return content | {"truncation": None, "padding": None, "post_processor": None}


def _continuing(content: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer for text in the middle: no space is put before the first word, and none is taken away."""
    return content | {
        "normalizer": _without_prefix(content["normalizer"], "normalizers"),
        "pre_tokenizer": _without_prefix(content["pre_tokenizer"], "pretokenizers"),
        "decoder": _without_prefix(content["decoder"], "decoders"),
    }


def _without_prefix(step: dict[str, Any] | None, sequence: str) -> dict[str, Any] | None:
    if step is None or step["type"] == "Prepend":
        return None
    match step["type"]:
        case "Sequence":
            steps = step[sequence]
            if any(one["type"] == "Metaspace" for one in steps):  # it splits at spaces itself, and keeps them
                steps = [one for one in steps if one["type"] != "WhitespaceSplit"]
            changed = [_without_prefix(one, sequence) for one in steps]
            return step | {sequence: [one for one in changed if one is not None]}
        case "Metaspace":
            return step | {"prepend_scheme": "never"}
        case "ByteLevel" if sequence == "pretokenizers":
            return step | {"add_prefix_space": False}
        case "Strip":
            return step | ({"start": 0} if sequence == "decoders" else {"strip_left": False})
    return step
