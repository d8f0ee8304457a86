"""SamplerService: rollouts, sampled from the trainer's own weights."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from drpo_server.compute import Call
from drpo_server.engine.types import Output
from drpo_server.errors import InvalidArgument, engine_refusals
from drpo_server.proto_gen import sampler_service_pb2 as pb
from drpo_server.proto_gen.sampler_service_pb2_grpc import SamplerServiceServicer
from drpo_server.rpc import streaming, watch
from drpo_server.runs import Run
from drpo_server.sampling.torch_sampler import sample
from drpo_server.services import Services
from drpo_server.wire.fields import require
from drpo_server.wire.outputs import check_head
from drpo_server.wire.references import decode_model_ref, decode_mutation, decode_run_id
from drpo_server.wire.sampling import check_sampling_fits, decode_context, decode_params, encode_rollout


class SamplerServicer(SamplerServiceServicer):
    def __init__(self, services: Services) -> None:
        self._services = services

    @streaming
    def SampleRollouts(
        self, request: pb.SampleRolloutsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SampleRolloutsResponse]:
        where = "SampleRolloutsRequest"
        run_id = decode_run_id(request.run_id, where)
        ref = decode_model_ref(request, "model", where)
        require(request, "params", where)
        params = decode_params(request.params, f"{where}.params")
        if not request.contexts:
            raise InvalidArgument(f"{where}.contexts is empty: send at least one sequence to continue")
        contexts = [decode_context(item, f"{where}.contexts[{index}]") for index, item in enumerate(request.contexts)]
        rollouts = sum(len(item.seeds) for item in contexts)

        def work(call: Call) -> None:
            found = self._services.runs.get(run_id).find(ref)
            model, version = found.model, found.version()
            check_head(Output.LOGPROBS, model.head, model.name, f"{where}.model")
            check_sampling_fits(contexts, params, model.base, where)
            with engine_refusals(where):
                sample(
                    model,
                    contexts,
                    params,
                    lambda rollout: call.emit(encode_rollout(rollout, version)),
                    call.report_progress,
                    compute_part=self._services.splits.of(request).run,
                )

        call = self._services.compute.submit(work, total=rollouts)
        return watch(call, context, pb.SampleRolloutsResponse, part="rollout", cancel_with_caller=True)

    @streaming
    def SyncWeights(
        self, request: pb.SyncWeightsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SyncWeightsResponse]:
        mutation = decode_mutation(request)
        ref = decode_model_ref(request, "model", "SyncWeightsRequest")

        def work(run: Run, call: Call) -> pb.SyncWeightsResult:
            return pb.SyncWeightsResult(version=run.find(ref).version(), held_as="own weights")

        call = self._services.mutations.begin(request, mutation, work)
        return watch(call, context, pb.SyncWeightsResponse)
