"""scripts/build-image: the command it runs, and what it refuses."""

from __future__ import annotations

import shlex

import pytest
from containers.repository import ROOT, output_of, run

SCRIPT = "scripts/build-image"


def command_of(*arguments: str) -> list[str]:
    return shlex.split(output_of(SCRIPT, "--dry-run", *arguments))


def test_names_target_base_and_tag() -> None:
    command = command_of("--tool", "buildah", "--base", "localhost/base", "--target", "sampler-cuda")
    assert command[:2] == ["buildah", "build"]
    assert command[command.index("--target") + 1] == "sampler-cuda"
    assert "SAMPLER_CUDA_BASE=localhost/base" in command
    assert command[command.index("--tag") + 1].endswith("-sampler-cuda")
    assert command[-1] == str(ROOT)


def test_the_default_is_all_in_one_under_the_version_of_the_package() -> None:
    command = command_of("--tool", "podman")
    assert command[command.index("--target") + 1] == "cpu"
    assert command[command.index("--tag") + 1] == "drpo-server:0.1.0"
    assert "VERSION=0.1.0" in command
    assert not [part for part in command if "_BASE=" in part]


def test_the_health_check_survives_the_image_format() -> None:
    assert "--format" in command_of("--tool", "buildah")
    assert "--format" not in command_of("--tool", "docker")


def test_configuration_is_a_secret_of_the_build_and_folders_are_mounted() -> None:
    command = command_of(
        *("--tool", "buildah", "--pip-config", "package.json", "--volume", "/srv/wheels:/srv/wheels:ro"),
        *("--torch-index", "URL", "--", "--layers"),
    )
    assert "id=pip-config,src=package.json" in command
    assert command[command.index("--volume") + 1] == "/srv/wheels:/srv/wheels:ro"
    assert "TORCH_INDEX=URL" in command
    assert command[-2] == "--layers"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "gpu"], "--target gpu: there are cpu, trainer-cuda, sampler-cuda and orchestrator"),
        (["--tool", "rkt"], "--tool rkt: there are docker, podman and buildah"),
        (["--base"], "--base needs a value"),
        (["cpu"], "unknown argument cpu"),
        (["--dry-run", "--tool", "docker", "--volume", "/a:/a"], "--volume: docker build has none"),
        (
            ["--dry-run", "--tool", "podman", "--torch-index", "x", "--target", "trainer-cuda"],
            "--torch-index goes with",
        ),
        (["--tool", "podman", "--pip-config", "nowhere.conf"], "no such file: nowhere.conf"),
    ],
)
def test_refuses_what_it_cannot_do(arguments: list[str], says: str) -> None:
    done = run(SCRIPT, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
