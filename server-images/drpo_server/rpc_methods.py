"""The calls of drpo.v1 by number, so that a process can tell another one which call is meant."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from drpo_server.proto_gen import (
    model_service_pb2,
    reward_model_service_pb2,
    sampler_service_pb2,
    tokenizer_service_pb2,
    trainer_service_pb2,
)

_FILES = (
    model_service_pb2,
    tokenizer_service_pb2,
    sampler_service_pb2,
    trainer_service_pb2,
    reward_model_service_pb2,
)

METHODS: list[Any] = [
    method for file in _FILES for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods
]
"""Descriptors. Every request type belongs to one of them."""

_INDEX_OF_REQUEST = {method.input_type.full_name: index for index, method in enumerate(METHODS)}


def method_index(request: Message) -> int:
    """The call that takes this request."""
    return _INDEX_OF_REQUEST[request.DESCRIPTOR.full_name]


def parse_request(index: int, payload: bytes) -> Message:
    """The request of a call."""
    message: Message = GetMessageClass(METHODS[index].input_type)()
    message.ParseFromString(payload)
    return message
