"""The tokenizers of bases, from their folders only: nothing is fetched, and no code of a folder is run."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from drpo_server.end_tokens import end_tokens, listed_end_tokens
from drpo_server.errors import InvalidArgument
from drpo_server.vocabulary import load_vocabulary

TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
"""Files of a Hugging Face folder that make its tokenizer what it is."""


class Tokenizer:
    """One base's tokenizer. Any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Raises InvalidArgument if the folder has no tokenizer that loads."""
        from transformers import AutoTokenizer

        self.folder = folder
        listed_end_tokens(folder)  # transformers would complain of one that is malformed, but not say where it is
        self._lock = threading.Lock()  # the Rust tokenizer refuses a second borrower
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"base {folder}: its tokenizer cannot be loaded: {error}") from error
        config = json.loads((folder / "config.json").read_bytes())
        self.vocabulary_size: int = max(int(config.get("vocab_size", 0)), len(self._tokenizer))
        self.hash = _hash_files(folder)

    @cached_property
    def end_tokens(self) -> list[int]:
        """Every token that ends a response, first the data's. Raises as the function of this name."""
        with self._lock:
            return end_tokens(self.folder, self._tokenizer)

    @cached_property
    def vocabulary_hash(self) -> str:
        """Of what maps text to ids."""
        return load_vocabulary(self.folder).hash()

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


def tokenizer_files(folder: Path) -> list[Path]:
    """Those of TOKENIZER_FILES that a folder has, by name."""
    return [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]


def _hash_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in tokenizer_files(folder):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
