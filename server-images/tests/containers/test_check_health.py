"""check_health and make-certificates: a probe over TLS sees a server that serves, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from containers.repository import output_of, run
from server_client import arguments

from drpo_server.check_health import main
from drpo_server.server import BoundServer, bind_server
from drpo_server.settings import read_settings


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    output_of("scripts/make-certificates", "--to", folder / "own", "--token", "one=one.example,10.1.2.3")
    output_of("scripts/make-certificates", "--to", folder / "other", "one=one.example")
    return folder


@pytest.fixture(scope="module")
def server(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> BoundServer:
    files = [f"--tls-cert={certificates / 'own/one/tls.crt'}", f"--tls-key={certificates / 'own/one/tls.key'}"]
    token = (certificates / "own/token").read_text()
    bound = bind_server(
        read_settings([*arguments(tmp_path_factory.mktemp("served")), *files], {"DRPO_SERVER_TOKEN": token})
    )
    bound.server.start()
    return bound


def test_a_server_with_tls_and_a_token_is_healthy(server: BoundServer, certificates: Path) -> None:
    address = f"127.0.0.1:{server.port}"
    assert main(["--address", address, "--tls-ca", str(certificates / "own/ca.crt")]) == 0
    environment = {"DRPO_HEALTH_ADDRESS": address, "DRPO_HEALTH_TLS_CA": str(certificates / "own/one/ca.crt")}
    assert main([], environment) == 0


def test_another_authority_no_tls_and_no_server_are_not(
    server: BoundServer, certificates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"127.0.0.1:{server.port}"
    assert main(["--address", address, "--tls-ca", str(certificates / "other/ca.crt")]) == 1
    assert main(["--address", address], {}) == 1
    assert main(["--address", "127.0.0.1:1"], {}) == 1
    assert f"{address} does not serve: UNAVAILABLE" in capsys.readouterr().err
    assert main(["--address", address, "--service", "drpo.v1.Nothing"], {"DRPO_HEALTH_TLS_CA": "nowhere.crt"}) == 2
    assert "--tls-ca nowhere.crt" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["-verify_hostname one.example", "-verify_ip 10.1.2.3", "-verify_hostname localhost"]
)
def test_a_certificate_is_for_the_addresses_that_were_named(certificates: Path, address: str) -> None:
    verify: list[str | Path] = ["openssl", "verify", "-CAfile", certificates / "own/ca.crt", "-purpose", "sslserver"]
    output_of(*verify, *address.split(), certificates / "own/one/tls.crt")
    assert run(*verify, "-verify_hostname", "two.example", certificates / "own/one/tls.crt").returncode != 0


def test_the_key_of_the_authority_and_the_token_are_nobody_elses(certificates: Path) -> None:
    for name in ("ca.key", "token"):
        assert (certificates / "own" / name).stat().st_mode & 0o077 == 0
    assert (certificates / "own").stat().st_mode & 0o077 == 0
    assert len((certificates / "own/token").read_text()) == 64


def test_more_servers_are_signed_by_the_same_authority(certificates: Path) -> None:
    before = (certificates / "own/ca.crt").read_bytes()
    output_of("scripts/make-certificates", "--to", certificates / "own", "two=two.example")
    assert (certificates / "own/ca.crt").read_bytes() == before == (certificates / "own/two/ca.crt").read_bytes()


@pytest.mark.parametrize("server_name", ["one", "one=a;b", "../one=a", "one="])
def test_names_that_are_none_are_refused(tmp_path: Path, server_name: str) -> None:
    done = run("scripts/make-certificates", "--to", tmp_path / "c", server_name)
    assert done.returncode == 2
    assert "NAME=ADDRESS" in done.stderr
    assert not (tmp_path / "c").exists()
