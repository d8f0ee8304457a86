"""The files that make a folder's tokenizer what it is, and the hash that names what it does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from drpo_server.engine.model_files import read_json_object, refuse_stand_in

_PATTERNS = (
    *("tokenizer.json", "tokenizer.*.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "tokenizer.model*", "spiece.model", "sentencepiece*.model", "spm.model"),
    *("*.tiktoken", "tekken.json", "chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja"),
)
"""Files of a Hugging Face folder that AutoTokenizer reads."""


def tokenizer_files(folder: Path) -> list[Path]:
    """Those that a folder has, relative to it, by name."""
    found = {file.relative_to(folder) for pattern in _PATTERNS for file in folder.glob(pattern) if file.is_file()}
    return sorted(found)


def refuse_damaged_files(folder: Path) -> None:
    """Raises ValueError, naming the file, for one that is empty, a pointer, or JSON no longer."""
    for file in (folder / name for name in tokenizer_files(folder)):
        if file.suffix == ".json":
            read_json_object(file)
        else:
            refuse_stand_in(file)


def hash_tokenizer(tokenizer: Any, folder: Path) -> str:
    """SHA-256 (hexadecimal) of everything that decides what a loaded tokenizer makes of texts and chats.

    Its content and not its files: how they are formatted, and fields that decide nothing, are no part of it.
    """
    templates = tokenizer.chat_template or {}
    deciding = {
        "class": type(tokenizer).__name__,
        "special_tokens": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "all_special_tokens": sorted(map(str, tokenizer.all_special_tokens)),
        "split_special_tokens": bool(getattr(tokenizer, "split_special_tokens", False)),
        "adds": [bool(getattr(tokenizer, name, False)) for name in ("add_bos_token", "add_eos_token")],
        "chat_templates": {"default": templates} if isinstance(templates, str) else dict(templates),
        "vocabulary": _vocabulary(tokenizer, folder),
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def _vocabulary(tokenizer: Any, folder: Path) -> Any:
    """Of a tokenizer of the Rust library all that it holds, but for truncation and padding, which each call sets."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        content = json.loads(backend.to_str())
        return {name: part for name, part in content.items() if name not in ("truncation", "padding", "version")}
    return {str(file): hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in tokenizer_files(folder)}
