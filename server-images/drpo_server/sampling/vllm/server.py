"""A server that samples by vLLM and does nothing else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import grpc

from drpo_server.compute import Compute
from drpo_server.engine.base_folder import hash_base, refuse_unfit
from drpo_server.fenced_run import FencedRun, FencedRuns
from drpo_server.ledger import LEDGER, Ledger
from drpo_server.listening import add_discovery, listen
from drpo_server.mutations import Mutations
from drpo_server.proto_gen import (
    model_service_pb2,
    model_service_pb2_grpc,
    sampler_service_pb2,
    sampler_service_pb2_grpc,
)
from drpo_server.published_weights import find_published_weights
from drpo_server.sampling.vllm.engine import VllmEngine
from drpo_server.sampling.vllm.held_weights import HeldWeights
from drpo_server.sampling.vllm.model_servicer import VllmModelServicer
from drpo_server.sampling.vllm.sampler_servicer import VllmSamplerServicer
from drpo_server.sampling.vllm.services import SAMPLING_SLOTS, VllmServices
from drpo_server.settings import Settings

_EXIT_ENGINE_DIED = 3


@dataclass(frozen=True)
class BoundVllmServer:
    """A server that holds its port and its engine, and does not answer yet."""

    server: grpc.Server
    port: int
    services: VllmServices

    @property
    def instance_id(self) -> str:
        return self.services.instance_id

    def close(self) -> int:
        """Ends vLLM's processes. The exit code: not 0 if they had ended by themselves."""
        self.services.engine.close()
        self.services.held.close()
        return _EXIT_ENGINE_DIED if self.services.engine.is_dead else 0


def bind_vllm_server(settings: Settings) -> BoundVllmServer:
    """Takes the port first, as it is the likeliest to fail, then loads the base.

    Raises CannotListen, InvalidArgument for settings that vLLM does not have, ValueError or RuntimeError as vLLM does.
    """
    server, port = listen(settings)
    services = _build_services(settings)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(VllmModelServicer(services), server)
    sampler_service_pb2_grpc.add_SamplerServiceServicer_to_server(VllmSamplerServicer(services), server)
    add_discovery(
        server,
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
        sampler_service_pb2.DESCRIPTOR.services_by_name["SamplerService"],
    )
    return BoundVllmServer(server, port, services)


def _build_services(settings: Settings) -> VllmServices:
    assert settings.base is not None
    refuse_unfit(settings.base)
    settings.checkpoint_root.mkdir(parents=True, exist_ok=True)
    runs = FencedRuns(Ledger(settings.checkpoint_root / LEDGER), FencedRun)
    engine = VllmEngine(settings)
    return VllmServices(
        instance_id=uuid.uuid4().hex,
        settings=settings,
        engine=engine,
        held=HeldWeights(engine),
        published=find_published_weights(settings),
        base_hash=hash_base(settings.base),
        runs=runs,
        mutations=Mutations(runs, Compute()),
        sampling=Compute(threads=SAMPLING_SLOTS),
    )
