"""Which tokens end a response."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drpo_server.errors import InvalidArgument

_ANSWER = "drpo"
"""What an assistant says to find out what the chat template writes after it."""


def listed_end_tokens(folder: Path) -> list[int]:
    """The eos_token_id of generation_config.json, or of config.json if that has none.

    Raises InvalidArgument if one of them is no token id and no list of token ids.
    """
    generation, config = (_eos_token_ids(folder, name) for name in ("generation_config.json", "config.json"))
    return generation or config


def end_tokens(folder: Path, tokenizer: Any) -> list[int]:
    """Every token that ends a response of a base; first the one that responses of the data end with.

    Those are the listed ones and the tokenizer's, as in vLLM. Responses of the data end with the one that the chat
    template writes after an assistant's turn (Llama 3's <|eot_id|>, where the tokenizer's may be <|end_of_text|>).
    Without such a one they end with the tokenizer's, unless the files list others only: then with the first of those.
    Raises InvalidArgument if there is none, or one is no token of the base.
    """
    listed = listed_end_tokens(folder)
    own: int | None = tokenizer.eos_token_id
    _check_own(folder, own)
    ends = list(dict.fromkeys([*listed, *([] if own is None else [own])]))
    if not ends:
        raise InvalidArgument(
            f"base {folder}: nothing says which token ends a response. Set eos_token_id in its generation_config.json, "
            "or eos_token in its tokenizer_config.json"
        )
    first = _turn_end(tokenizer, ends)
    if first is None:
        first = own if own is not None and (own in listed or not listed) else ends[0]
    return [first, *(token for token in ends if token != first)]


def generation_settings(folder: Path, ends: list[int]) -> dict[str, Any] | None:
    """What generation_config.json must hold for clients to stop where a run did; None: what the base's holds."""
    listed = _eos_token_ids(folder, "generation_config.json")
    if set(listed) == set(ends):
        return None
    file = folder / "generation_config.json"
    eos = ends if len(ends) > 1 else ends[0]
    if file.is_file():
        return {**_read_object(file), "eos_token_id": eos}
    config = _read_object(folder / "config.json")
    others = {name: config[name] for name in ("bos_token_id", "pad_token_id") if config.get(name) is not None}
    return {**others, "eos_token_id": eos}


def _eos_token_ids(folder: Path, name: str) -> list[int]:
    file = folder / name
    if not file.is_file():
        return []
    value = _read_object(file).get("eos_token_id")
    tokens = value if isinstance(value, list) else [] if value is None else [value]
    size = _vocabulary_size(folder)
    for token in tokens:
        if type(token) is not int or not 0 <= token < (size or token + 1):
            raise InvalidArgument(
                f"{file}: eos_token_id is {json.dumps(value)}; it must be a token id or a list of token ids"
                + (f", from 0 to {size - 1}" if size else "")
            )
    return tokens


def _check_own(folder: Path, own: int | None) -> None:
    size = _vocabulary_size(folder)
    if own is not None and size and own >= size:
        raise InvalidArgument(
            f"base {folder}: its tokenizer ends texts with token {own}, but config.json has a vocab_size of {size}. "
            "Use the tokenizer's files that belong to these weights"
        )


def _vocabulary_size(folder: Path) -> int | None:
    size = _read_object(folder / "config.json").get("vocab_size")
    return size if type(size) is int and size > 0 else None


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise InvalidArgument(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidArgument(f"{file} must hold a JSON object")
    return content


def _turn_end(tokenizer: Any, ends: list[int]) -> int | None:
    """The end token that the chat template writes after an assistant's turn."""
    if not tokenizer.chat_template:
        return None
    chat = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": _ANSWER}]
    try:
        text = str(tokenizer.apply_chat_template(chat, tokenize=False))
    except Exception:  # a template may raise anything, and for other chats it may work
        return None
    _, found, after = text.rpartition(_ANSWER)
    # Only special tokens: a template that goes on with a word does not end the turn with it.
    spelled = {token: tokenizer.added_tokens_decoder[token].content for token in ends if _is_added(tokenizer, token)}
    written = [token for token, content in spelled.items() if found and content and after.lstrip().startswith(content)]
    return max(written, key=lambda token: len(spelled[token]), default=None)


def _is_added(tokenizer: Any, token: int) -> bool:
    return token in tokenizer.added_tokens_decoder
