"""Texts in parts, and chat messages."""

from __future__ import annotations

from datetime import UTC, datetime

from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import tokenizer_service_pb2 as pb
from drpo_server.tokenizers import TextPart

_ROLES = ("system", "user", "assistant")


def decode_chat(chat: pb.Chat, where: str) -> list[dict[str, str]]:
    """At least one message, of known roles."""
    if not chat.messages:
        raise InvalidArgument(f"{where}.messages is empty: send at least one message")
    for index, message in enumerate(chat.messages):
        if message.role not in _ROLES:
            raise InvalidArgument(f"{where}.messages[{index}].role is {message.role!r}: use one of {', '.join(_ROLES)}")
    return [{"role": message.role, "content": message.content} for message in chat.messages]


def decode_text(text: pb.Text) -> list[TextPart]:
    return [TextPart(part.text, part.special_tokens) for part in text.parts]


def decode_time(unix_seconds: int, where: str) -> datetime:
    """In UTC."""
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidArgument(f"{where} is {unix_seconds}, which is no time: {error}") from error
