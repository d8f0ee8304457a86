"""SamplerService by vLLM: rollouts of all calls are written side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc

from drpo_server.compute import Call
from drpo_server.engine.types import FinishReason, SampleContext, SampledRollout, SamplingParams
from drpo_server.errors import InvalidArgument, NotFound
from drpo_server.fenced_run import FencedRun
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.sampler_service_pb2_grpc import SamplerServiceServicer
from drpo_server.rpc import streaming, watch
from drpo_server.sampling.vllm.engine import Continuation
from drpo_server.sampling.vllm.services import VllmServices
from drpo_server.sampling.vllm.sync_weights import sync_weights
from drpo_server.sampling.vllm.token_request import TokenRequest
from drpo_server.wire.batch import check_batch_fits, decode_rows
from drpo_server.wire.fields import require, which
from drpo_server.wire.outputs import decode_temperature
from drpo_server.wire.references import decode_model_ref, decode_mutation, decode_run_id
from drpo_server.wire.sampling import check_sampling_fits, decode_sampling, encode_rollout


class VllmSamplerServicer(SamplerServiceServicer):
    def __init__(self, services: VllmServices) -> None:
        self._services = services

    @streaming
    def SampleRollouts(
        self, request: pb.SampleRolloutsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SampleRolloutsResponse]:
        decoded = decode_sampling(request)
        check_sampling_fits(decoded.contexts, decoded.params, self._services.engine, decoded.where)
        places = decoded.places
        continuations = [
            _continuation(decoded.contexts[c], decoded.contexts[c].seeds[s], decoded.params) for c, s in places
        ]

        def work(call: Call) -> None:
            with self._services.held.using(decoded.run_id, decoded.ref) as held:
                done = 0
                call.report_progress(done, len(places))
                for news in self._services.engine.generate(continuations, held.adapter):
                    if news is None:
                        call.stop_if_cancelled()
                        continue
                    index, written, ended = news
                    if ended:
                        done += 1
                        reason = FinishReason.STOP if written.stopped else FinishReason.LENGTH
                        rollout = SampledRollout(*places[index], written.token_ids, written.logprobs, reason)
                        call.emit(encode_rollout(rollout, decoded.ref.version))
                    call.report_progress(done, len(places))

        call = self._services.sampling.submit(work, request, total=len(places))
        return watch(call, context, pb.SampleRolloutsResponse, part="rollout", cancel_with_caller=True)

    @streaming
    def SyncWeights(
        self, request: pb.SyncWeightsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SyncWeightsResponse]:
        where = "SyncWeightsRequest"
        mutation = decode_mutation(request)
        decode_model_ref(request, "model", where)
        which(request, "source", where)

        def work(_: FencedRun, call: Call) -> pb.SyncWeightsResult:
            held = sync_weights(self._services, request, call.report_progress)
            return pb.SyncWeightsResult(version=held.version, held_as=held.held_as)

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.SyncWeightsResponse)

    @streaming
    def ComputeLogprobs(
        self, request: pb.ComputeLogprobsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ComputeLogprobsResponse]:
        where = "ComputeLogprobsRequest"
        weights = which(request, "weights", where)
        if weights == "model":
            decode_run_id(request.run_id, where)
            decode_model_ref(request, "model", where, any_version=True)
        else:
            self._check_base(request.base, where)
        require(request, "rows", where)
        rows = decode_rows(request.rows, f"{where}.rows")
        check_batch_fits(rows, self._services.engine, f"{where}.rows")
        temperature = decode_temperature(request.temperature, where)
        texts = rows.token_ids.split(rows.row_lengths.tolist())
        spans = zip(texts, rows.span_starts.tolist(), rows.span_lengths.tolist(), strict=True)
        continuations = [
            _given(text.tolist(), start, length, temperature) for text, start, length in spans if length > 0
        ]

        def work(call: Call) -> pb.ComputeLogprobsResult:
            if weights == "base":
                with self._services.held.using_base():
                    return pb.ComputeLogprobsResult(logprobs=self._logprobs(call, continuations, None))
            with self._services.held.using(request.run_id, request.model) as held:
                logprobs = self._logprobs(call, continuations, held.adapter)
                return pb.ComputeLogprobsResult(logprobs=logprobs, version=held.version)

        call = self._services.sampling.submit(work, request, total=len(continuations))
        return watch(call, context, pb.ComputeLogprobsResponse, cancel_with_caller=True)

    def _logprobs(self, call: Call, continuations: Sequence[Continuation], adapter: object) -> list[float]:
        logprobs: list[list[float]] = [[] for _ in continuations]
        done = 0
        call.report_progress(done, len(continuations))
        for news in self._services.engine.generate(continuations, adapter):
            if news is None:
                call.stop_if_cancelled()
                continue
            index, written, ended = news
            logprobs[index] = written.logprobs
            done += ended
            call.report_progress(done, len(continuations))
        return [logprob for row in logprobs for logprob in row]

    def _check_base(self, base: str, where: str) -> None:
        if not base:
            raise InvalidArgument(f"{where}.base is empty: name the folder of the base")
        folder = self._services.engine.path
        if Path(base).resolve() != folder:
            raise NotFound(f"{where}.base is {base}: this server has the one that it was started with, {folder}")


def _continuation(context: SampleContext, seed: int, params: SamplingParams) -> Continuation:
    request = TokenRequest(params.temperature, params.top_p, params.top_k, seed, context.first_position)
    return Continuation(context.token_ids, context.max_new_tokens, request, params.stop_token_ids)


def _given(text: list[int], start: int, length: int, temperature: float) -> Continuation:
    """A request whose tokens are given: what it computes is what sampling computes, its cache and adapter included."""
    given = text[start : start + length]
    return Continuation(text[:start], length, TokenRequest(temperature, given=given))
