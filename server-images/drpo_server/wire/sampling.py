"""What is to be continued, how, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drpo_server.engine.types import FinishReason, SampleContext, SampledRollout, SamplingParams
from drpo_server.errors import InvalidArgument
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.common_pb2 import ModelRef, ModelVersion
from drpo_server.wire.batch import RowLimits
from drpo_server.wire.fields import finite, integers, positive, refuse_first, require
from drpo_server.wire.outputs import LARGEST_TEMPERATURE, LEAST_TEMPERATURE
from drpo_server.wire.references import decode_model_ref, decode_run_id

_FINISH_REASONS = {FinishReason.STOP: pb.FINISH_REASON_STOP, FinishReason.LENGTH: pb.FINISH_REASON_LENGTH}


@dataclass(frozen=True)
class DecodedSampling:
    """A SampleRollouts request, whatever engine answers it."""

    where: str
    run_id: str
    ref: ModelRef
    params: SamplingParams
    contexts: list[SampleContext]

    @property
    def places(self) -> list[tuple[int, int]]:
        """(context index, continuation index) of each rollout."""
        return [(c, s) for c, context in enumerate(self.contexts) for s in range(len(context.seeds))]


def decode_sampling(request: pb.SampleRolloutsRequest) -> DecodedSampling:
    where = "SampleRolloutsRequest"
    run_id = decode_run_id(request.run_id, where)
    ref = decode_model_ref(request, "model", where)
    require(request, "params", where)
    params = decode_params(request.params, f"{where}.params")
    if not request.contexts:
        raise InvalidArgument(f"{where}.contexts is empty: send at least one sequence to continue")
    contexts = [decode_context(item, f"{where}.contexts[{index}]") for index, item in enumerate(request.contexts)]
    return DecodedSampling(where, run_id, ref, params, contexts)


def decode_params(message: pb.SamplingParams, where: str) -> SamplingParams:
    return SamplingParams(
        temperature=finite(
            message.temperature,
            f"{where}.temperature",
            above=0,
            at_least=LEAST_TEMPERATURE,
            at_most=LARGEST_TEMPERATURE,
        ),
        top_p=finite(message.top_p, f"{where}.top_p", above=0, at_most=1),
        top_k=message.top_k,
        stop_token_ids=frozenset(message.stop_token_ids),
    )


def decode_context(message: pb.SampleContext, where: str) -> SampleContext:
    if not message.token_ids:
        raise InvalidArgument(f"{where}.token_ids is empty: send at least one token to continue")
    if not message.seeds:
        raise InvalidArgument(f"{where}.seeds is empty: send one seed for each continuation")
    return SampleContext(
        token_ids=list(message.token_ids),
        max_new_tokens=positive(message.max_new_tokens, f"{where}.max_new_tokens"),
        first_position=message.first_position,
        seeds=list(message.seeds),
    )


def check_sampling_fits(contexts: Sequence[SampleContext], params: SamplingParams, base: RowLimits, where: str) -> None:
    """Raises InvalidArgument for tokens outside the vocabulary, or a row that could outgrow the base's context."""
    vocabulary = f"the vocabulary of {base.path.name} has {base.vocabulary_size} tokens"
    stops = integers(sorted(params.stop_token_ids))
    refuse_first(stops >= base.vocabulary_size, stops, f"{where}.params.stop_token_ids", vocabulary)
    for index, context in enumerate(contexts):
        tokens = integers(context.token_ids)
        refuse_first(tokens >= base.vocabulary_size, tokens, f"{where}.contexts[{index}].token_ids", vocabulary)
        if len(tokens) + context.max_new_tokens > base.context_tokens:
            raise InvalidArgument(
                f"{where}.contexts[{index}] has {len(tokens)} tokens and max_new_tokens {context.max_new_tokens}; a "
                "row of "
                f"{base.path.name} has at most {base.context_tokens}: lower max_new_tokens or shorten the context"
            )


def encode_rollout(rollout: SampledRollout, version: ModelVersion) -> pb.SampledRollout:
    return pb.SampledRollout(
        context_index=rollout.context_index,
        continuation_index=rollout.continuation_index,
        token_ids=rollout.token_ids,
        logprobs=rollout.logprobs,
        finish_reason=_FINISH_REASONS[rollout.finish_reason],
        version=version,
    )
