"""SamplerService: rollouts, sampled from this server's own models, or from what another server published."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from drpo_server.compute import Call
from drpo_server.engine.types import Output, OutputRequest
from drpo_server.errors import InvalidArgument, engine_refusals
from drpo_server.hold_published import hold_published
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.sampler_service_pb2_grpc import SamplerServiceServicer
from drpo_server.published_weights import decode_published
from drpo_server.rpc import streaming, watch
from drpo_server.runs import Run
from drpo_server.sampling.torch_sampler import sample
from drpo_server.services import Services
from drpo_server.wire.batch import check_batch_fits, decode_rows
from drpo_server.wire.fields import require, which
from drpo_server.wire.outputs import check_head, decode_temperature
from drpo_server.wire.references import decode_model_ref, decode_mutation, decode_run_id
from drpo_server.wire.sampling import check_sampling_fits, decode_sampling, encode_rollout


class SamplerServicer(SamplerServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @streaming
    def SampleRollouts(
        self, request: pb.SampleRolloutsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SampleRolloutsResponse]:
        decoded = decode_sampling(request)

        def work(call: Call) -> None:
            found = self._services.runs.get(decoded.run_id).find(decoded.ref)
            model, version = found.model, found.version()
            check_head(Output.LOGPROBS, model.head, model.name, f"{decoded.where}.model")
            check_sampling_fits(decoded.contexts, decoded.params, model.base, decoded.where)
            with engine_refusals(decoded.where):
                sample(
                    model,
                    decoded.contexts,
                    decoded.params,
                    lambda rollout: call.emit(encode_rollout(rollout, version)),
                    call.report_progress,
                    compute_part=self._services.splits.of(request).run,
                )

        call = self._services.compute.submit(work, request, total=len(decoded.places))
        return watch(call, context, pb.SampleRolloutsResponse, part="rollout", cancel_with_caller=True)

    @streaming
    def SyncWeights(
        self, request: pb.SyncWeightsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SyncWeightsResponse]:
        where = "SyncWeightsRequest"
        mutation = decode_mutation(request)
        ref = decode_model_ref(request, "model", where)
        source = request.WhichOneof("source")
        if source == "checkpoint":
            decode_published(request.checkpoint, f"{where}.checkpoint")
        if source == "broadcast":
            raise InvalidArgument(f"{where}.broadcast: this engine takes checkpoints; broadcasts are for vLLM")

        def work(run: Run, call: Call) -> pb.SyncWeightsResult:
            if source is None:
                return pb.SyncWeightsResult(version=run.find(ref).version(), held_as="own weights")
            held = hold_published(self._services, run, request, call.report_progress)
            held_as = "merged weights" if held.model.lora is None else "adapter"
            return pb.SyncWeightsResult(version=held.version(), held_as=held_as)

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
        require(request, "rows", where)
        rows = decode_rows(request.rows, f"{where}.rows")
        temperature = decode_temperature(request.temperature, where)

        def work(call: Call) -> pb.ComputeLogprobsResult:
            if weights == "model":
                found = self._services.runs.get(request.run_id).find(request.model)
                model, version = found.model, found.version()
                check_head(Output.LOGPROBS, model.head, model.name, f"{where}.model")
            else:
                base = self._services.bases.load(request.base, f"{where}.base")
                with engine_refusals(where):
                    model, version = self._services.engine.bare_base(base), None
            check_batch_fits(rows, model.base, f"{where}.rows")
            with engine_refusals(where):
                [logprobs] = self._services.engine.forward(
                    rows, [OutputRequest(model, Output.LOGPROBS, temperature)], call.report_progress
                )
            return pb.ComputeLogprobsResult(logprobs=logprobs.tolist(), version=version)

        call = self._services.compute.submit(work, request, total=len(rows.row_lengths))
        return watch(call, context, pb.ComputeLogprobsResponse, cancel_with_caller=True)
