"""Chat messages."""

from __future__ import annotations

from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import tokenizer_service_pb2 as pb

_ROLES = ("system", "user", "assistant")


def decode_chat(chat: pb.Chat, where: str) -> list[dict[str, str]]:
    """At least one message, of known roles."""
    if not chat.messages:
        raise InvalidArgument(f"{where}.messages is empty: send at least one message")
    for index, message in enumerate(chat.messages):
        if message.role not in _ROLES:
            raise InvalidArgument(f"{where}.messages[{index}].role is {message.role!r}: use one of {', '.join(_ROLES)}")
    return [{"role": message.role, "content": message.content} for message in chat.messages]
