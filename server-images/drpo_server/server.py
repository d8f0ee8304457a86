"""The gRPC server: services, health, reflection, credentials."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import grpc
import torch

from drpo_server.bases import Bases
from drpo_server.compute import Compute
from drpo_server.engine.engine import Engine
from drpo_server.ledger import LEDGER, Ledger
from drpo_server.listening import add_discovery, listen
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
from drpo_server.published_weights import find_published_weights
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

SPLITS = ".drpo-splits.jsonl"
"""File under the checkpoint root, too."""


@dataclass(frozen=True)
class BoundServer:
    """A server that holds its port and does not answer yet."""

    server: grpc.Server
    port: int
    services: Services

    @property
    def instance_id(self) -> str:
        return self.services.instance_id

    def close(self) -> None:
        """Nothing but this process has to end."""


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
        published=find_published_weights(settings),
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
    server, port = listen(settings)
    services = build_services(settings)
    _add_services(server, services)
    return BoundServer(server, port, services)


def _add_services(server: Any, services: Services) -> None:
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(services), server)
    tokenizer_service_pb2_grpc.add_TokenizerServiceServicer_to_server(TokenizerServicer(services), server)
    sampler_service_pb2_grpc.add_SamplerServiceServicer_to_server(SamplerServicer(services), server)
    trainer_service_pb2_grpc.add_TrainerServiceServicer_to_server(TrainerServicer(services), server)
    reward_model_service_pb2_grpc.add_RewardModelServiceServicer_to_server(RewardModelServicer(services), server)
    add_discovery(
        server,
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
        tokenizer_service_pb2.DESCRIPTOR.services_by_name["TokenizerService"],
        sampler_service_pb2.DESCRIPTOR.services_by_name["SamplerService"],
        trainer_service_pb2.DESCRIPTOR.services_by_name["TrainerService"],
        reward_model_service_pb2.DESCRIPTOR.services_by_name["RewardModelService"],
    )
