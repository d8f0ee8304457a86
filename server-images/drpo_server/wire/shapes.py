"""What a model is: its head, and which of its weights are its own."""

from __future__ import annotations

from drpo_server.engine.types import Head, LoraShape
from drpo_server.proto_gen import model_service_pb2 as pb
from drpo_server.wire.fields import decode_enum, finite, positive, refuse_duplicates, which

_HEADS: dict[int, Head] = {pb.HEAD_LANGUAGE_MODEL: Head.LANGUAGE_MODEL, pb.HEAD_SCALAR: Head.SCALAR}


def decode_head(message: pb.CreateModelRequest | pb.PlannedModel, where: str) -> Head:
    return decode_enum(message.head, _HEADS, f"{where}.head")


def decode_shape(message: pb.CreateModelRequest | pb.PlannedModel, where: str) -> LoraShape | None:
    """None: a full copy of the base."""
    if which(message, "shape", where) == "full":
        return None
    lora, where = message.lora, f"{where}.lora"
    refuse_duplicates(lora.target_modules, f"{where}.target_modules")
    return LoraShape(
        rank=positive(lora.rank, f"{where}.rank"),
        alpha=finite(lora.alpha, f"{where}.alpha", above=0, at_least=1e-7, at_most=1e7),
        target_modules=tuple(lora.target_modules),
        last_blocks=lora.last_blocks,
    )
