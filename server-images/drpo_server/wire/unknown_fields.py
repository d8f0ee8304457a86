"""Protobuf keeps fields that it does not know; a server that ignored them would do something else than it was asked."""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from drpo_server.errors import InvalidArgument


def refuse_unknown_fields(request: Message) -> None:
    """Raises InvalidArgument naming the message and the number of the first unknown field, at any depth."""
    _visit(request, request.DESCRIPTOR.name)


def _visit(message: Message, where: str) -> None:
    unknown_fields = UnknownFieldSet(message)
    if len(unknown_fields):
        unknown = unknown_fields[0]
        raise InvalidArgument(
            f"{where} ({message.DESCRIPTOR.full_name}) has field {unknown.field_number}, which this server does not "
            "know: "
            "use a client and a server of the same schema_hash"
        )
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.is_repeated:
            for index, item in enumerate(value):
                _visit(item, f"{where}.{field.name}[{index}]")
        else:
            _visit(value, f"{where}.{field.name}")
