"""Settings of an optimiser step."""

from __future__ import annotations

from drpo_server.engine.types import AdamW
from drpo_server.proto_gen import trainer_service_pb2 as pb
from drpo_server.wire.fields import finite

# No step that makes sense is outside; a value inside may still be refused by the step, for what it would do.
_LARGEST_RATE = 10.0
_LEAST_EPSILON = 1e-16
_LARGEST_EPSILON = 1.0
_LARGEST_DECAY = 100.0


def decode_adamw(message: pb.AdamW, where: str) -> AdamW:
    return AdamW(
        learning_rate=finite(message.learning_rate, f"{where}.learning_rate", at_least=0, at_most=_LARGEST_RATE),
        beta1=finite(message.beta1, f"{where}.beta1", at_least=0, below=1),
        beta2=finite(message.beta2, f"{where}.beta2", at_least=0, below=1),
        epsilon=finite(message.epsilon, f"{where}.epsilon", above=0, at_least=_LEAST_EPSILON, at_most=_LARGEST_EPSILON),
        weight_decay=finite(message.weight_decay, f"{where}.weight_decay", at_least=0, at_most=_LARGEST_DECAY),
    )
