"""What a client can learn of a server: health, reflection, its description; and the token that it may want."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import grpc
import pytest
from device import DEVICE
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from server_client import DEADLINE_SECONDS, RunClient, busy, refused, serve

from drpo_server import __version__
from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import tokenizer_service_pb2 as tokens
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceStub
from drpo_server.proto_gen.schema_hash import SCHEMA_HASH
from drpo_server.server import BoundServer

SERVICES = ["ModelService", "TokenizerService", "SamplerService", "TrainerService", "RewardModelService"]


def server_info(channel: grpc.Channel, **options: Any) -> models.GetServerInfoResponse:
    stub: Any = ModelServiceStub(channel)
    info: models.GetServerInfoResponse = stub.GetServerInfo(models.GetServerInfoRequest(), **options)
    return info


def test_server_info(run: RunClient, channel: grpc.Channel) -> None:
    assert not server_info(channel).resident_bases
    run.create()
    info = server_info(channel)
    assert info.schema_hash == SCHEMA_HASH
    assert info.server_version == __version__
    assert info.engine.startswith("torch ")
    assert (info.device, info.compute_threads) == (str(DEVICE), 1)
    assert 0 < info.memory_available_bytes <= info.memory_total_bytes
    assert list(info.capabilities) == ["sampler", "trainer", "tokenizer", "reward-model"]
    assert list(info.resident_bases) == [run.base]


def test_instance_id_is_that_of_the_process_or_server(channel: grpc.Channel, tmp_path: Path) -> None:
    first = server_info(channel).instance_id
    assert server_info(channel).instance_id == first
    with serve(tmp_path / "another") as (_, other):
        assert server_info(other).instance_id != first


def test_a_long_computation_does_not_hold_up_who_asks_or_takes_over(run: RunClient, bound: BoundServer) -> None:
    tokenizer_info = tokens.GetTokenizerInfoRequest(base=run.base)
    info = run.tokenizer.GetTokenizerInfo(tokenizer_info)
    with busy(bound):
        assert run.tokenizer.GetTokenizerInfo(tokenizer_info, timeout=DEADLINE_SECONDS) == info
        assert run.models.GetServerInfo(models.GetServerInfoRequest(), timeout=DEADLINE_SECONDS).instance_id
        acquire = models.AcquireRunRequest(run_id=run.run_id, request_id="attempt-2")
        assert run.models.AcquireRun(acquire, timeout=DEADLINE_SECONDS).fence == run.fence + 1


def test_schema_hash_is_that_of_the_proto_files() -> None:
    root = Path(__file__).parents[3] / "proto"
    digest = hashlib.sha256()
    for file in sorted((root / "drpo" / "v1").glob("*.proto")):
        digest.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
    assert digest.hexdigest() == SCHEMA_HASH


@pytest.mark.parametrize("service", ["", *(f"drpo.v1.{name}" for name in SERVICES)])
def test_health(channel: grpc.Channel, service: str) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_every_service(channel: grpc.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    [answer] = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = {service.name for service in answer.list_services_response.service}
    assert {f"drpo.v1.{name}" for name in SERVICES} <= names


def test_reflection_describes_a_service(channel: grpc.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="drpo.v1.TrainerService")
    [answer] = stub.ServerReflectionInfo(iter([request]))
    assert b"ForwardBackward" in answer.file_descriptor_response.file_descriptor_proto[0]


class TestToken:
    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Any:
        with serve(tmp_path / "guarded", token="secret") as (_, channel):
            yield channel

    @pytest.mark.parametrize(
        "metadata",
        [
            (),
            (("authorization", "secret"),),
            (("authorization", "Bearer wrong"),),
            (("authorization", "Bearer "),),
            (("authorization", "bearer secret"),),
        ],
    )
    def test_is_wanted_by_every_kind_of_call(self, guarded: grpc.Channel, metadata: Any) -> None:
        with refused(grpc.StatusCode.UNAUTHENTICATED, "DRPO_SERVER_TOKEN"):
            server_info(guarded, metadata=metadata)
        stub: Any = ModelServiceStub(guarded)
        with refused(grpc.StatusCode.UNAUTHENTICATED, "DRPO_SERVER_TOKEN"):
            list(stub.CreateModel(models.CreateModelRequest(), metadata=metadata))

    def test_opens_the_server(self, guarded: grpc.Channel) -> None:
        metadata = (("authorization", "Bearer secret"),)
        assert server_info(guarded, metadata=metadata).schema_hash == SCHEMA_HASH

    def test_is_not_needed_for_health(self, guarded: grpc.Channel) -> None:
        stub: Any = health_pb2_grpc.HealthStub(guarded)
        assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
