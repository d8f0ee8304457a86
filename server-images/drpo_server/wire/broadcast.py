"""Who takes part in a broadcast of weights, and what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen.common_pb2 import WeightGroup, WeightSpec
from drpo_server.weight_broadcast import Members

if TYPE_CHECKING:
    from drpo_server.engine.model import TensorSpec


def decode_members(message: WeightGroup, where: str) -> Members:
    """Raises InvalidArgument unless there is an address, and a sampler besides the trainer."""
    if not message.master_address or not 1 <= message.master_port <= 65535:
        raise InvalidArgument(f"{where} is not complete: name the address and the port where the trainer listens")
    if message.world_size < 2:
        raise InvalidArgument(f"{where}.world_size is {message.world_size}: count the trainer and every sampler")
    return Members(message.master_address, message.master_port, message.world_size)


def encode_spec(spec: TensorSpec) -> WeightSpec:
    return WeightSpec(name=spec.name, dtype=str(spec.dtype).removeprefix("torch."), shape=spec.shape)
