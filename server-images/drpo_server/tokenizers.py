"""The tokenizers of bases, from their folders only: nothing is fetched, and no code of a folder is run."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drpo_server.errors import InvalidArgument
from drpo_server.tokenizer_files import hash_tokenizer


class Tokenizer:
    """One base's tokenizer. Any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Raises InvalidArgument if the folder has no tokenizer that loads."""
        from transformers import AutoTokenizer

        self.folder = folder
        self._lock = threading.Lock()  # the Rust tokenizer refuses a second borrower
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"base {folder}: its tokenizer cannot be loaded: {error}") from error
        config = json.loads((folder / "config.json").read_bytes())
        self.vocabulary_size: int = max(int(config.get("vocab_size", 0)), len(self._tokenizer))
        self.embeddings: int = int(config.get("vocab_size", len(self._tokenizer)))
        self.hash = hash_tokenizer(self._tokenizer, folder)

    def eos_token_id(self) -> int:
        """The token that ends a response: the tokenizer's, unless the generation settings name only others.

        Raises InvalidArgument if there is none."""
        named = _generation_eos(self.folder)
        own: int | None = self._tokenizer.eos_token_id
        if own is not None and (own in named or not named):
            return own
        if named:
            return named[0]
        raise InvalidArgument(
            f"base {self.folder}: neither its tokenizer nor its generation_config.json names an end of sequence"
        )

    def padding_token_id(self, configured: object) -> int:
        """One id to pad with: the tokenizer's, or the base's (configured), or the token that ends a response."""
        for pad in (self._tokenizer.pad_token_id, configured):
            if isinstance(pad, int) and 0 <= pad < self.embeddings:
                return pad
        return self.eos_token_id()

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids; special tokens written in a text are read as such, none are added."""
        if not texts:
            return []
        with self._lock:
            encoded = self._tokenizer(
                list(texts),
                add_special_tokens=False,
                return_attention_mask=False,
                return_token_type_ids=False,
                verbose=False,
            )
        token_ids: list[list[int]] = encoded["input_ids"]
        return token_ids

    def detokenize(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool) -> list[str]:
        """Texts, as the tokens spell them: no spaces are cleaned up."""
        with self._lock:
            return [
                self._tokenizer.decode(
                    list(row), skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False
                )
                for row in rows
            ]

    def apply_chat_template(self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool) -> str:
        """Raises InvalidArgument without a chat template, or with what the template says against the messages."""
        if not self._tokenizer.chat_template:
            raise InvalidArgument(f"base {self.folder} has no chat template: write the prompt's text yourself")
        from jinja2.exceptions import TemplateError

        try:
            with self._lock:
                text = self._tokenizer.apply_chat_template(
                    list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
                )
        except TemplateError as error:
            raise InvalidArgument(f"the chat template of base {self.folder} refuses these messages: {error}") from error
        return str(text)


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


def _generation_eos(folder: Path) -> list[int]:
    file = folder / "generation_config.json"
    if not file.is_file():
        return []
    eos = json.loads(file.read_bytes()).get("eos_token_id")
    if eos is None:
        return []
    return [int(token) for token in eos] if isinstance(eos, list) else [int(eos)]
