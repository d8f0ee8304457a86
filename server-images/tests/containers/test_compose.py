"""compose.yaml and compose.cuda.yaml, checked by Compose itself and held to what the servers and recipes understand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from containers.containerfile import TARGETS, server_arguments
from containers.recipe_server import is_named, names_of_default_certificates, read_server_section, sampler_addresses
from containers.repository import TOOLS, output_of, run
from containers.served_settings import settings_in_container

COMPOSE = TOOLS / "docker-compose"
VARIANTS = {"cpu": ["-f", "compose.yaml"], "cuda": ["-f", "compose.yaml", "-f", "compose.cuda.yaml"]}


def resolve(variant: str) -> dict[str, Any]:
    """The project as Compose resolves it, against the Compose specification's schema."""
    services = json.loads(
        output_of(COMPOSE, *VARIANTS[variant], "config", "--format", "json", DRPO_SERVER_TOKEN="secret-of-the-test")
    )["services"]
    assert isinstance(services, dict)
    return services


def target_of(service: dict[str, Any]) -> str:
    """A service without a build of its own uses the image of the one that has it."""
    target = service.get("build", {"target": "cpu"})["target"]
    assert isinstance(target, str)
    return target


@pytest.fixture(scope="module", params=VARIANTS)
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    return resolve(request.param)


def test_without_a_token_nothing_is_started() -> None:
    done = run(COMPOSE, "config", "--quiet", DRPO_SERVER_TOKEN="")
    assert done.returncode != 0
    assert "make one with scripts/make-certificates --token" in done.stderr


def test_there_are_a_trainer_samplers_and_an_orchestrator_each_hardened(services: dict[str, Any]) -> None:
    assert set(services) == {"trainer", "sampler", "orchestrator"}
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "/tmp" in service["tmpfs"]
        assert not service.get("ports")
        assert not service.get("privileged")
        assert service["environment"] == {"DRPO_SERVER_TOKEN": "secret-of-the-test"}
        assert target_of(service) in TARGETS
        assert "secret-of-the-test" not in json.dumps(service["command"])


def test_servers_understand_what_they_are_given(services: dict[str, Any], tmp_path: Path) -> None:
    for name in ("trainer", "sampler"):
        service = services[name]
        settings = settings_in_container(server_arguments(target_of(service), service["command"]), tmp_path)
        assert settings.port == 50051
        mounted = {volume["target"]: volume.get("read_only", False) for volume in service["volumes"]}
        assert mounted["/data/bases"]
        assert mounted["/run/secrets/drpo"]


def test_samplers_read_the_volume_that_the_trainer_writes(services: dict[str, Any]) -> None:
    [written] = [volume for volume in services["trainer"]["volumes"] if volume["target"] == "/data/checkpoints"]
    [read] = [volume for volume in services["sampler"]["volumes"] if volume["target"] == "/data/published"]
    assert (written["source"], read["source"], read["read_only"]) == ("checkpoints", "checkpoints", True)
    # Replicas share their volumes, so what one writes must be on none.
    assert [path.partition(":")[0] for path in services["sampler"]["tmpfs"]] == [
        *("/tmp", "/data/checkpoints", "/data/stages")
    ]


def test_the_recipe_names_every_sampler_by_a_name_of_its_certificate(services: dict[str, Any]) -> None:
    [text] = [word for word in services["orchestrator"]["command"] if word.startswith("--set=server=")]
    section = read_server_section(text.removeprefix("--set=server="))
    replicas = services["sampler"]["deploy"]["replicas"]
    assert sampler_addresses(section) == [f"drpo-sampler-{number + 1}:50051" for number in range(replicas)]
    for address in sampler_addresses(section):
        assert is_named(address.partition(":")[0], names_of_default_certificates("sampler"))
    assert section["address"] == "trainer:50051"
    assert is_named("trainer", names_of_default_certificates("trainer"))


def test_the_orchestrator_waits_until_servers_serve_and_only_it_has_a_way_out(services: dict[str, Any]) -> None:
    conditions = {name: needed["condition"] for name, needed in services["orchestrator"]["depends_on"].items()}
    assert conditions == {"trainer": "service_healthy", "sampler": "service_healthy"}
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["orchestrator"]


def test_with_gpus_trainer_and_sampler_have_one_each() -> None:
    services = resolve("cuda")
    devices = [
        services[name]["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]
        for name in ("trainer", "sampler")
    ]
    assert devices == [["0"], ["1"]]
    assert services["trainer"]["image"].endswith("-trainer-cuda")
    assert services["sampler"]["image"].endswith("-sampler-cuda")
