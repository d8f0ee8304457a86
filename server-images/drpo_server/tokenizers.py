"""The tokenizers of bases, from their folders only: nothing is fetched, and no code of a folder is run."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from drpo_server.chat_template import ChatTemplate
from drpo_server.end_tokens import end_tokens, listed_end_tokens
from drpo_server.engine.model_files import blaming_files, without_byte_order_marks
from drpo_server.errors import InvalidArgument
from drpo_server.text_codec import TextCodec
from drpo_server.tokenizer_files import hash_tokenizer, refuse_damaged_files
from drpo_server.vocabulary import load_vocabulary


class TextPart(NamedTuple):
    """Part of a text."""

    text: str
    special_tokens: bool
    """Special tokens spelled in it are those tokens (a template); otherwise they are ordinary text (data)."""


class Tokenizer:
    """One base's tokenizer. Any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Raises InvalidArgument if the folder has no tokenizer that loads."""
        from transformers import AutoTokenizer

        self.folder = folder
        listed_end_tokens(folder)  # transformers would complain of one that is malformed, but not say where it is
        self._lock = threading.Lock()  # templates are rendered one after the other
        try:
            refuse_damaged_files(folder)
            with blaming_files(f"base {folder}: its tokenizer"), without_byte_order_marks(folder) as clean:
                self._tokenizer: Any = AutoTokenizer.from_pretrained(
                    clean, local_files_only=True, trust_remote_code=False
                )
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
        if not getattr(self._tokenizer, "is_fast", False):
            raise InvalidArgument(
                f"base {folder}: its tokenizer ({type(self._tokenizer).__name__}) has no fast form, which drpo "
                "needs to tell special tokens from text: convert it to a tokenizer.json, or take another base"
            )
        config = json.loads((folder / "config.json").read_bytes())
        self.vocabulary_size: int = max(int(config.get("vocab_size", 0)), len(self._tokenizer))
        self.embeddings: int = int(config.get("vocab_size", len(self._tokenizer)))
        self.hash = hash_tokenizer(self._tokenizer, folder)
        self._template = ChatTemplate(self._tokenizer)
        serialized = self._tokenizer.backend_tokenizer.to_str()
        try:
            self._codec = TextCodec(serialized, self._control_ids(json.loads(serialized)["added_tokens"]))
        except Exception as error:
            raise InvalidArgument(f"base {folder}: its tokenizer cannot be used: {error}") from error
        self.begin_token_ids: list[int] = self._begin_token_ids()
        """What the tokenizer's own rule puts before a text."""

    @property
    def template_reads_clock(self) -> bool:
        return self._template.reads_clock

    @cached_property
    def end_tokens(self) -> list[int]:
        """Every token that ends a response, first the data's. Raises as the function of this name."""
        with self._lock:
            return end_tokens(self.folder, self._tokenizer)

    @cached_property
    def vocabulary_hash(self) -> str:
        """Of what maps text to ids."""
        return load_vocabulary(self.folder).hash()

    def padding_token_id(self, configured: object) -> int:
        """One id to pad with: the tokenizer's, or the base's (configured), or the token that ends a response."""
        for pad in (self._tokenizer.pad_token_id, configured):
            if isinstance(pad, int) and 0 <= pad < self.embeddings:
                return pad
        return self.end_tokens[0]

    def tokenize(
        self, texts: Sequence[Sequence[TextPart]], *, continues: bool = False, add_begin_tokens: bool = False
    ) -> list[list[int]]:
        """Token ids; only special parts hold special tokens.

        continues: the texts go on from other text, so that nothing is put before their first word.
        add_begin_tokens: before each text that does not begin with them, be they spelled or not.

        Raises InvalidArgument for a text that the vocabulary cannot write."""
        begin = self.begin_token_ids if add_begin_tokens else []
        marked = ["".join(self._codec.mark(text) if special else text for text, special in parts) for parts in texts]
        if begin and self._codec.is_control(begin):
            spelled, sentinels = self._codec.spelled(begin), self._codec.sentinels(begin)
            marked = [sentinels + text[len(spelled) :] if text.startswith(spelled) else text for text in marked]
        rows = self._codec.encode(marked, continues=continues)
        return [row if row[: len(begin)] == begin else [*begin, *row] for row in rows]

    def detokenize(
        self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool, continues: bool = False
    ) -> list[str]:
        """Texts, as the tokens spell them: no spaces are cleaned up.

        continues: the rows go on from other tokens, so that a space before the first word is kept."""
        return self._codec.decode(rows, skip_special_tokens=skip_special_tokens, continues=continues)

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool, now: datetime
    ) -> tuple[str, list[int]]:
        """Text and token ids of a conversation; special tokens that messages spell are ordinary text.

        now: for templates that write the time.

        Raises InvalidArgument without a chat template, or with whatever the template raises."""
        if not self._template.is_there:
            raise InvalidArgument(f"base {self.folder} has no chat template: write the prompt's text yourself")
        try:
            with self._lock:
                text, marked = self._template.render(
                    messages, self._codec, add_generation_prompt=add_generation_prompt, now=now
                )
            return text, self._codec.encode([marked], continues=False)[0]
        except InvalidArgument as error:
            raise InvalidArgument(f"base {self.folder}: {error}") from error

    def _control_ids(self, added: Sequence[dict[str, Any]]) -> set[int]:
        """Added tokens that data must not write: special ones, those that end a response, and those with which the
        chat template opens and closes turns. Others ("<think>", runs of spaces) are tokens wherever they stand."""
        turns = self._template.turn_tokens(token["content"] for token in added)
        known = {*self._tokenizer.all_special_ids, *self._end_tokens_if_any()}
        return {token["id"] for token in added if token["special"] or token["id"] in known or token["content"] in turns}

    def _end_tokens_if_any(self) -> list[int]:
        try:
            return self.end_tokens
        except InvalidArgument:  # a reward model's tokenizer may name none
            return []

    def _begin_token_ids(self) -> list[int]:
        encoding = self._tokenizer.backend_tokenizer.encode("a", add_special_tokens=True)
        is_added = list(encoding.special_tokens_mask)
        return list(encoding.ids[: is_added.index(0)]) if 0 in is_added else []


class Tokenizers:
    """Tokenizers by folder, each loaded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[Path, Tokenizer] = {}

    def get(self, folder: Path) -> Tokenizer:
        """Raises as Tokenizer does."""
        with self._lock:
            if folder not in self._loaded:
                self._loaded[folder] = Tokenizer(folder)
            return self._loaded[folder]
