"""The gRPC server: services, health, reflection, credentials."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import torch
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from drpo_server.auth import TokenInterceptor
from drpo_server.bases import Bases
from drpo_server.compute import Compute
from drpo_server.engine.engine import Engine
from drpo_server.ledger import Ledger
from drpo_server.mutations import Mutations
from drpo_server.proto_gen import (
    model_service_pb2,
    model_service_pb2_grpc,
    reward_model_service_pb2,
    reward_model_service_pb2_grpc,
    sampler_service_pb2,
    sampler_service_pb2_grpc,
    tokenizer_service_pb2,
    tokenizer_service_pb2_grpc,
    trainer_service_pb2,
    trainer_service_pb2_grpc,
)
from drpo_server.runs import Runs
from drpo_server.servicers.model import ModelServicer
from drpo_server.servicers.reward_model import RewardModelServicer
from drpo_server.servicers.sampler import SamplerServicer
from drpo_server.servicers.tokenizer import TokenizerServicer
from drpo_server.servicers.trainer import TrainerServicer
from drpo_server.services import Services
from drpo_server.settings import Settings
from drpo_server.splits import Splits
from drpo_server.storage import Storage
from drpo_server.tokenizers import Tokenizers

LEDGER = ".drpo-runs.json"
"""File under the checkpoint root. Its name starts with '.', so no checkpoint can have it."""

SPLITS = ".drpo-splits.jsonl"
"""File under the checkpoint root, too."""

_RPC_THREADS = 64
"""A watched stream holds one while it lasts."""

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Otherwise a second server would share the port, and calls would reach either.
    ("grpc.so_reuseport", 0),
    # A client may ping to see whether the connection lives.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]


class CannotListen(Exception):
    """The address is in use, or not one of this machine."""


@dataclass(frozen=True)
class BoundServer:
    """A server that holds its port and does not answer yet."""

    server: grpc.Server
    port: int
    services: Services


def build_services(settings: Settings) -> Services:
    """Raises ValueError for a ledger that cannot be read, RuntimeError for a device that is not there."""
    device = _find_device(settings.device)

    def set_threads() -> None:
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)

    set_threads()
    settings.checkpoint_root.mkdir(parents=True, exist_ok=True)
    settings.stage_root.mkdir(parents=True, exist_ok=True)
    engine = Engine(device, getattr(torch, settings.dtype), settings.token_budget)
    compute = Compute(set_threads)  # the number of threads is a property of the calling thread
    runs = Runs(Ledger(settings.checkpoint_root / LEDGER))
    return Services(
        instance_id=uuid.uuid4().hex,
        engine=engine,
        compute=compute,
        runs=runs,
        mutations=Mutations(runs, compute),
        bases=Bases(engine),
        tokenizers=Tokenizers(),
        storage=Storage(settings.checkpoint_root, settings.stage_root),
        splits=Splits(settings.checkpoint_root / SPLITS),
    )


def _find_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: PyTorch was built without that kind of device
        reason = str(error).splitlines()[0]
        raise RuntimeError(
            f"--device {name} cannot be used ({reason}): name a device that this machine, its driver and this build of "
            "PyTorch have, such as --device cpu"
        ) from error
    return device


def bind_server(settings: Settings) -> BoundServer:
    """Takes the port first, as it is the likeliest to fail. Raises CannotListen, and as build_services does."""
    interceptors: list[grpc.ServerInterceptor[Any, Any]] = (
        [TokenInterceptor(settings.token)] if settings.token is not None else []
    )
    server = grpc.server(
        ThreadPoolExecutor(_RPC_THREADS, thread_name_prefix="rpc"), interceptors=interceptors, options=_OPTIONS
    )
    port = _bind(server, settings)
    services = build_services(settings)
    _add_services(server, services)
    return BoundServer(server, port, services)


def _bind(server: grpc.Server, settings: Settings) -> int:
    try:
        if settings.tls_cert is not None and settings.tls_key is not None:
            pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
            return server.add_secure_port(settings.address, grpc.ssl_server_credentials([pair]))
        return server.add_insecure_port(settings.address)
    except RuntimeError as error:
        raise CannotListen(
            f"cannot listen on {settings.address}: the port is in use, or the address is not this machine's. Choose "
            "another "
            "--port (0: any free one), or stop what uses it"
        ) from error


def _add_services(server: Any, services: Services) -> None:
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(services), server)
    tokenizer_service_pb2_grpc.add_TokenizerServiceServicer_to_server(TokenizerServicer(services), server)
    sampler_service_pb2_grpc.add_SamplerServiceServicer_to_server(SamplerServicer(services), server)
    trainer_service_pb2_grpc.add_TrainerServiceServicer_to_server(TrainerServicer(services), server)
    reward_model_service_pb2_grpc.add_RewardModelServiceServicer_to_server(RewardModelServicer(services), server)
    names = [
        module.DESCRIPTOR.services_by_name[name].full_name
        for module, name in (
            (model_service_pb2, "ModelService"),
            (tokenizer_service_pb2, "TokenizerService"),
            (sampler_service_pb2, "SamplerService"),
            (trainer_service_pb2, "TrainerService"),
            (reward_model_service_pb2, "RewardModelService"),
        )
    ]
    health_servicer = health.HealthServicer()
    for name in ("", *names):
        health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
