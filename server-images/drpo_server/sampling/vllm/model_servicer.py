"""ModelService of a vLLM server: who it is and who holds a run. It makes no models: it samples from what is synced."""

from __future__ import annotations

import grpc
import torch
import vllm

from drpo_server import __version__
from drpo_server.device_memory import device_memory
from drpo_server.proto_gen import model_service_pb2 as pb
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceServicer
from drpo_server.proto_gen.schema_hash import SCHEMA_HASH
from drpo_server.rpc import unary
from drpo_server.sampling.vllm.services import SAMPLING_SLOTS, VllmServices
from drpo_server.wire.fields import decode_id
from drpo_server.wire.references import decode_mutation, decode_run_id


class VllmModelServicer(ModelServiceServicer):
    def __init__(self, services: VllmServices) -> None:
        self._services = services

    @unary
    def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetServerInfoResponse:
        settings = self._services.settings
        total, available = device_memory(torch.device(settings.device.partition(":")[0]))
        return pb.GetServerInfoResponse(
            schema_hash=SCHEMA_HASH,
            server_version=__version__,
            engine=f"vllm {vllm.__version__}",
            device=settings.device,
            compute_threads=torch.get_num_threads(),
            memory_total_bytes=total,
            memory_available_bytes=available,
            capabilities=["sampler"],
            instance_id=self._services.instance_id,
            resident_bases=[str(self._services.engine.path)],
            processes=1,
            dtype=settings.dtype,
            sampling_slots=SAMPLING_SLOTS,
        )

    @unary
    def AcquireRun(self, request: pb.AcquireRunRequest, context: grpc.ServicerContext) -> pb.AcquireRunResponse:
        decode_run_id(request.run_id, "AcquireRunRequest")
        decode_id(request.request_id, "AcquireRunRequest.request_id", "give every attempt to acquire an id of its own")
        run = self._services.runs.get(request.run_id)
        fence = run.take(request.request_id, lambda: self._services.held.drop_run(request.run_id))
        return pb.AcquireRunResponse(fence=fence)

    @unary
    def ReleaseAnswers(
        self, request: pb.ReleaseAnswersRequest, context: grpc.ServicerContext
    ) -> pb.ReleaseAnswersResponse:
        run = self._services.mutations.at_once(request, decode_mutation(request))
        return pb.ReleaseAnswersResponse(answers_left=run.release_answers(request.request_ids), batches_left=0)
