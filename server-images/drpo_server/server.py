"""The gRPC server: services, health, reflection, credentials."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import Any

import grpc
import torch

from drpo_server.bases import Bases
from drpo_server.compute import Compute
from drpo_server.engine.engine import Engine
from drpo_server.engine.group import ALONE, join_group
from drpo_server.following import FollowingCompute, FollowingLedger, FollowingMutations, LeadingLedger
from drpo_server.in_step import InStep
from drpo_server.ledger import LEDGER
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

_FAREWELL_SECONDS = 5.0
"""The other processes are told to end when the calls before are through, or not at all."""

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

    def close(self) -> int:
        """The exit code. Tells the processes that follow, if there are any."""
        self.services.compute.farewell(_FAREWELL_SECONDS)
        return 0


def build_services(settings: Settings) -> Services:
    """Waits for the other processes that torchrun started, if it did. Raises ValueError for a ledger that cannot be
    read, RuntimeError for a device that is not there or processes that do not come."""
    device = _find_device(settings)
    threads = _operator_threads(settings)

    def set_threads() -> None:
        if threads is not None:
            torch.set_num_threads(threads)

    set_threads()
    group = join_group(device) if settings.place.size > 1 else ALONE
    settings.checkpoint_root.mkdir(parents=True, exist_ok=True)
    settings.stage_root.mkdir(parents=True, exist_ok=True)
    engine = Engine(
        device,
        getattr(torch, settings.dtype),
        settings.token_budget,
        group=group,
        recompute=settings.activation_checkpointing,
    )
    in_step = InStep(group)
    # The number of threads is a property of the calling thread.
    compute = FollowingCompute(in_step) if group.rank > 0 else Compute(set_threads, in_step=in_step)
    runs = Runs(FollowingLedger(group) if group.rank > 0 else LeadingLedger(settings.checkpoint_root / LEDGER, group))
    return Services(
        instance_id=uuid.uuid4().hex,
        engine=engine,
        compute=compute,
        runs=runs,
        mutations=(FollowingMutations if group.rank > 0 else Mutations)(runs, compute),
        bases=Bases(engine),
        tokenizers=Tokenizers(),
        storage=Storage(settings.checkpoint_root, settings.stage_root),
        splits=Splits(settings.checkpoint_root / SPLITS, processes=group.size),
        published=find_published_weights(settings),
    )


def _operator_threads(settings: Settings) -> int | None:
    """None: PyTorch's default. torchrun's would be one thread a process."""
    if settings.threads is None and settings.place.size > 1:
        return max(1, (os.cpu_count() or 1) // settings.place.local_size)
    return settings.threads


def _find_device(settings: Settings) -> torch.device:
    name = settings.device
    if name == "cuda" and settings.place.size > 1:
        name = f"cuda:{settings.place.local_rank}"
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


def make_servicers(services: Services) -> dict[str, Any]:
    """By the names of their services."""
    return {
        "ModelService": ModelServicer(services),
        "TokenizerService": TokenizerServicer(services),
        "SamplerService": SamplerServicer(services),
        "TrainerService": TrainerServicer(services),
        "RewardModelService": RewardModelServicer(services),
    }


def _add_services(server: Any, services: Services) -> None:
    servicers = make_servicers(services)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicers["ModelService"], server)
    tokenizer_service_pb2_grpc.add_TokenizerServiceServicer_to_server(servicers["TokenizerService"], server)
    sampler_service_pb2_grpc.add_SamplerServiceServicer_to_server(servicers["SamplerService"], server)
    trainer_service_pb2_grpc.add_TrainerServiceServicer_to_server(servicers["TrainerService"], server)
    reward_model_service_pb2_grpc.add_RewardModelServiceServicer_to_server(servicers["RewardModelService"], server)
    add_discovery(
        server,
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
        tokenizer_service_pb2.DESCRIPTOR.services_by_name["TokenizerService"],
        sampler_service_pb2.DESCRIPTOR.services_by_name["SamplerService"],
        trainer_service_pb2.DESCRIPTOR.services_by_name["TrainerService"],
        reward_model_service_pb2.DESCRIPTOR.services_by_name["RewardModelService"],
    )
