"""Settings of an optimiser step."""

from __future__ import annotations

from drpo_server.engine.types import AdamW
from drpo_server.proto_gen import trainer_service_pb2 as pb
from drpo_server.wire.fields import finite


def decode_adamw(message: pb.AdamW, where: str) -> AdamW:
    return AdamW(
        learning_rate=finite(message.learning_rate, f"{where}.learning_rate", at_least=0),
        beta1=finite(message.beta1, f"{where}.beta1", at_least=0, below=1),
        beta2=finite(message.beta2, f"{where}.beta2", at_least=0, below=1),
        epsilon=finite(message.epsilon, f"{where}.epsilon", above=0),
        weight_decay=finite(message.weight_decay, f"{where}.weight_decay", at_least=0),
    )
