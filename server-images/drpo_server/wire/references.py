"""Who asks, and which weights are meant."""

from __future__ import annotations

from google.protobuf.message import Message

from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen.common_pb2 import ModelRef, Mutation
from drpo_server.wire.fields import decode_id, decode_name, require

_RUN_ADVICE = "send the run_id that was given to AcquireRun"


def decode_run_id(value: str, where: str) -> str:
    return decode_id(value, f"{where}.run_id", _RUN_ADVICE)


def decode_mutation(request: Message) -> Mutation:
    """The `mutation` of a request that changes state; every field of it is set."""
    where = request.DESCRIPTOR.name
    require(request, "mutation", where)
    mutation: Mutation = request.mutation  # type: ignore[attr-defined]
    where += ".mutation"
    decode_run_id(mutation.run_id, where)
    decode_id(mutation.request_id, f"{where}.request_id", "give every request an id, unique within the run")
    if mutation.fence == 0:
        raise InvalidArgument(f"{where}.fence is missing: call AcquireRun, and send the fence that it answers")
    return mutation


def decode_model_ref(message: Message, field: str, where: str, *, any_version: bool = False) -> ModelRef:
    """The ModelRef in `field`. any_version: the version may be left out."""
    require(message, field, where)
    return check_model_ref(getattr(message, field), f"{where}.{field}", any_version=any_version)


def check_model_ref(ref: ModelRef, where: str, *, any_version: bool = False) -> ModelRef:
    """Raises InvalidArgument unless the model is named, and its version with it."""
    decode_name(ref.model, f"{where}.model")
    if not ref.HasField("version"):
        if not any_version:
            raise InvalidArgument(f"{where}.version is missing: send the version that is expected")
    elif ref.version.generation == 0 or not ref.version.weights_hash:
        raise InvalidArgument(f"{where}.version is not complete: send it as the server answered it")
    return ref
