"""What is read of a model: log-probabilities, entropies, values, scores."""

from __future__ import annotations

from dataclasses import dataclass

from drpo_server.engine.types import Batch, Head, Output
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import trainer_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import ModelRef
from drpo_server.wire.fields import decode_enum, finite
from drpo_server.wire.references import decode_model_ref

OUTPUTS: dict[int, Output] = {
    pb.OUTPUT_LOGPROBS: Output.LOGPROBS,
    pb.OUTPUT_ENTROPY: Output.ENTROPY,
    pb.OUTPUT_VALUES: Output.VALUES,
    pb.OUTPUT_SCORES: Output.SCORES,
}

_HEADS = {
    Output.LOGPROBS: Head.LANGUAGE_MODEL,
    Output.ENTROPY: Head.LANGUAGE_MODEL,
    Output.VALUES: Head.SCALAR,
    Output.SCORES: Head.SCALAR,
}


# Logits divided by less, or by more, are infinite or all alike. Wider than a recipe's range, as float32 rounds.
LEAST_TEMPERATURE = 1e-5
LARGEST_TEMPERATURE = 1e5


@dataclass(frozen=True)
class DecodedOutput:
    ref: ModelRef
    output: Output
    temperature: float


def decode_output(message: pb.OutputRequest, where: str) -> DecodedOutput:
    return DecodedOutput(
        decode_model_ref(message, "model", where, any_version=True),
        decode_enum(message.output, OUTPUTS, f"{where}.output"),
        decode_temperature(message.temperature, where),
    )


def decode_temperature(value: float, where: str) -> float:
    """0 means 1."""
    if finite(value, f"{where}.temperature", at_least=0) == 0:
        return 1.0
    return finite(value, f"{where}.temperature", at_least=LEAST_TEMPERATURE, at_most=LARGEST_TEMPERATURE)


def check_head(output: Output, head: Head, model: str, where: str) -> None:
    """Raises InvalidArgument if a model's head does not compute the output."""
    if _HEADS[output] is not head:
        raise InvalidArgument(
            f"{where}: {output.value} need a {_HEADS[output].value} head, and model {model!r} has a {head.value} head"
        )


def output_layout(output: Output, batch: Batch) -> tuple[int, str]:
    """Entries of an output of this batch, and what each is for."""
    if output is Output.SCORES:
        return len(batch.row_lengths), "row"
    return int(batch.span_lengths.sum()), "span token (sum of span_lengths)"
