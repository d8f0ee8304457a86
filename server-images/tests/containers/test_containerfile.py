"""The Containerfile: linted; its targets run as a normal user, check their health, and hold no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from containers.containerfile import SERVERS, TARGETS, instructions, server_arguments
from containers.repository import ROOT, TOOLS, run
from containers.served_settings import settings_in_container

from drpo_server.settings import SettingsError


def test_hadolint_finds_nothing() -> None:
    done = run(TOOLS / "hadolint", "server-images/Containerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("target", TARGETS)
def test_runs_as_a_numbered_user_and_stops_when_told(target: str) -> None:
    stage = instructions(target)
    assert ("USER", "10001:10001") in stage
    assert ("STOPSIGNAL", "SIGTERM") in stage
    # After the user is set, nothing is run or copied as root.
    after_user = [kind for kind, _ in stage[stage.index(("USER", "10001:10001")) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after_user)


@pytest.mark.parametrize("target", SERVERS)
def test_a_server_is_reached_from_elsewhere_with_tls_and_a_token_only(target: str, tmp_path: Path) -> None:
    base = ["--base=/data/bases/one"] if target == "sampler-cuda" else []
    settings = settings_in_container([*server_arguments(target), *base], tmp_path)
    assert (settings.host, settings.port) == ("0.0.0.0", 50051)
    assert settings.checkpoint_root == Path("/data/checkpoints")
    assert settings.stage_root == Path("/data/stages")
    with pytest.raises(SettingsError, match="--tls-cert and --tls-key"):
        settings_in_container(server_arguments(target, base), tmp_path)


@pytest.mark.parametrize("target", SERVERS)
def test_a_server_has_a_health_check_and_its_volumes(target: str) -> None:
    stage = dict(instructions(target))
    assert '"drpo_server.check_health"' in stage["HEALTHCHECK"]
    assert stage["VOLUME"] == '["/data/checkpoints", "/data/stages"]'


@pytest.mark.parametrize("target", TARGETS)
def test_no_token_and_no_key_is_built_in(target: str) -> None:
    for kind, rest in instructions(target):
        if kind in ("ENV", "ARG", "COPY", "LABEL"):
            assert "TOKEN" not in rest
            assert "certificates" not in rest


def test_the_context_holds_what_is_copied_and_nothing_unasked() -> None:
    lines = [line for line in (ROOT / ".containerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for target in ("orchestrator-build", *TARGETS)
        for kind, rest in instructions(target)
        if kind == "COPY" and "--from" not in rest
        for source in [word for word in rest.split() if not word.startswith("--")][:-1]
    }
    assert copied <= let_in
    # The rest is what install_packages.py reads, mounted and not copied.
    assert {"server-images/pyproject.toml", "server-images/requirements.lock", "server-images/container"} == (
        let_in - copied
    )
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()
