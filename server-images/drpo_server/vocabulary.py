"""What maps texts to token ids: models that agree in it mean the same by an id, whatever their files look like."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drpo_server.engine.model_files import blaming_files, without_byte_order_marks
from drpo_server.errors import InvalidArgument
from drpo_server.tokenizer_files import refuse_damaged_files

_VOCABULARY_FILES = ("spiece.model", "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
"""One of them is there if a folder has a tokenizer."""

_NO_TOKENIZER = (
    "there are no tokenizer files in it, so what it means by a token id is unknown. Copy into it the tokenizer's files "
    "of the base that it was trained from"
)


@dataclass(frozen=True)
class Vocabulary:
    """Chat templates, truncation, padding and what is put around a text are no part of it."""

    tokens: Mapping[int, str]
    added_tokens: list[dict[str, Any]]
    rules: Mapping[str, Any]
    """How a text becomes tokens, by what a rule does in words."""

    def hash(self) -> str:
        """SHA-256, hexadecimal."""
        everything = [sorted(self.tokens.items()), self.added_tokens, self.rules]
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()

    def difference(self, base: Vocabulary) -> str:
        """Why this one cannot be given the ids of a base, in words; empty if it can.

        Tokens that the base does not have, such as one for padding, do not matter.
        """
        for token, text in sorted(base.tokens.items()):
            here = self.tokens.get(token)
            if here != text:
                what = "does not exist" if here is None else f"is {json.dumps(here, ensure_ascii=False)}"
                return (
                    f"token {token} {what} there and is {json.dumps(text, ensure_ascii=False)} in the base "
                    f"({len(self.tokens)} tokens there, {len(base.tokens)} in the base). Use a model that was trained "
                    "with the base's tokenizer"
                )
        for what, rule in base.rules.items():
            if self.rules.get(what) != rule:
                return (
                    f"its tokenizer has the same tokens, but {what} differently. Use a model that was trained with the "
                    "base's tokenizer; if this one was, copy the tokenizer's files from the base into its folder"
                )
        return ""


def load_vocabulary(folder: Path, config_folder: Path | None = None) -> Vocabulary:
    """Of a folder's tokenizer. config_folder: where config.json is, if not in the folder.

    Raises InvalidArgument if it does not load.
    """
    from transformers import AutoConfig, AutoTokenizer

    try:
        refuse_damaged_files(folder)
        with blaming_files(f"{folder}: its tokenizer"), without_byte_order_marks(config_folder or folder) as clean:
            config = AutoConfig.from_pretrained(clean, local_files_only=True)
        with blaming_files(f"{folder}: its tokenizer"), without_byte_order_marks(folder) as clean:
            tokenizer: Any = AutoTokenizer.from_pretrained(
                clean, config=config, local_files_only=True, trust_remote_code=False
            )
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    return _read(tokenizer)


def difference(base: Path, other: Path) -> str:
    """Why a model or an adapter in another folder cannot be given a base's token ids, in words; empty if it can.

    Raises InvalidArgument if the folder holds neither, or a tokenizer does not load.
    """
    is_model = (other / "config.json").is_file()
    if not is_model and not (other / "adapter_config.json").is_file():
        raise InvalidArgument(f"{other} holds neither a model (config.json) nor a PEFT adapter (adapter_config.json)")
    if not any((other / name).is_file() for name in _VOCABULARY_FILES):
        # An adapter is read with its base's tokenizer.
        return _NO_TOKENIZER if is_model else ""
    told = load_vocabulary(other, None if is_model else base).difference(load_vocabulary(base))
    rows, needed = _vocabulary_size(other) if is_model else None, _vocabulary_size(base)
    if told or rows is None or needed is None or rows >= needed:
        return told
    return (
        f"it has embeddings for {rows} tokens and the base for {needed}. Resize them: "
        f"model.resize_token_embeddings({needed}) in transformers"
    )


def _vocabulary_size(folder: Path) -> int | None:
    size = json.loads((folder / "config.json").read_bytes()).get("vocab_size")
    return size if isinstance(size, int) else None


def _read(tokenizer: Any) -> Vocabulary:
    """Of a tokenizer of transformers."""
    tokens = {token: text for text, token in tokenizer.get_vocab().items()}
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        added = [{"id": token, "content": str(text)} for token, text in sorted(tokenizer.added_tokens_decoder.items())]
        return Vocabulary(tokens, added, {"works": type(tokenizer).__name__})
    content = json.loads(backend.to_str())
    model = content["model"]
    vocabulary, merges = model.pop("vocab"), model.pop("merges", None)
    model.pop("dropout", None)  # for training alone
    rules = {
        "normalises texts": content["normalizer"],
        "splits texts into words": content["pre_tokenizer"],
        "joins pieces of words": merges,
        "rates pieces of words": vocabulary if isinstance(vocabulary, list) else None,
        "makes tokens of words": {name: value for name, value in model.items() if value not in (None, False, "")},
    }
    return Vocabulary(tokens, content["added_tokens"], rules)
