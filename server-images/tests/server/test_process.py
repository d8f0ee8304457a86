"""The process: what it prints, how it refuses to start, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from server_client import RunClient, arguments
from server_process import COMMAND, ENVIRONMENT, HANGS_SECONDS, run_to_end, started

from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen import sampler_service_pb2 as samples
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceStub
from drpo_server.proto_gen.schema_hash import SCHEMA_HASH


def test_says_one_line_when_it_serves_and_stops_when_told(tmp_path: Path, tiny_llama_folder: Path) -> None:
    with started(*arguments(tmp_path), "--preload", str(tiny_llama_folder)) as (process, event):
        assert set(event) == {"event", "address", "instance_id", "schema_hash"}
        assert (event["event"], event["schema_hash"]) == ("serving", SCHEMA_HASH)
        with grpc.insecure_channel(event["address"]) as channel:
            RunClient(channel, tiny_llama_folder).create()
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=HANGS_SECONDS)
        assert process.returncode == 0
        assert stdout == ""
        assert "stopping" in stderr


def test_ends_with_its_killed_parent_in_the_middle_of_work(tmp_path: Path, tiny_llama_folder: Path) -> None:
    parent_program = (
        "import subprocess, sys\n"
        "server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n"  # shares its stdout with this process
        "server.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_program, *COMMAND, *arguments(tmp_path), "--exit-with-parent"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    event = json.loads(parent.stdout.readline())
    with grpc.insecure_channel(event["address"]) as channel:
        run = RunClient(channel, tiny_llama_folder)
        long = samples.SampleContext(token_ids=[5], max_new_tokens=100, seeds=range(16_000))
        params = samples.SamplingParams(temperature=1.0, top_p=1.0)
        stream = run.sampler.SampleRollouts(run.sample_request(run.create(), contexts=[long], params=params))
        next(stream)
        parent.kill()
        # The pipes end when the last process that holds them has ended: the server.
        _, stderr = parent.communicate(timeout=HANGS_SECONDS)
    assert "the parent is gone" in stderr


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_to_end(*arguments(tmp_path), "--port", str(port))
    assert ended.returncode == 3
    assert ended.stdout == ""
    [line] = [line for line in ended.stderr.splitlines() if "cannot listen" in line]
    assert f"127.0.0.1:{port}" in line
    assert ended.stderr.splitlines()[-1] == line


def test_port_of_another_server_is_in_use(tmp_path: Path) -> None:
    with started(*arguments(tmp_path)) as (_, event):
        ended = run_to_end(*arguments(tmp_path), "--port", event["address"].rpartition(":")[2])
    assert ended.returncode == 3


@pytest.mark.parametrize(
    ("options", "environment", "part"),
    [
        (["--host", "0.0.0.0"], {}, "--host 0.0.0.0 can be reached from other machines"),
        (["--host", "0.0.0.0"], {"DRPO_SERVER_TOKEN": "secret"}, "give --tls-cert and --tls-key"),
        (["--tls-cert", __file__], {}, "--tls-cert and --tls-key belong together"),
        (["--tls-cert", __file__, "--tls-key", "/nowhere"], {}, "no such file: /nowhere"),
        (["--threads", "0"], {}, "0 is not positive"),
        (["--dtype", "float16"], {}, "float16"),
        (["--host", "0.0.0.0", "--tls-cert", __file__, "--tls-key", __file__], {}, "set DRPO_SERVER_TOKEN"),
    ],
)
def test_settings_that_are_refused(tmp_path: Path, options: list[str], environment: dict[str, str], part: str) -> None:
    ended = run_to_end(*arguments(tmp_path), *options, **environment)
    assert ended.returncode == 2
    assert part in ended.stderr
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_preloaded_base_that_is_not_there(tmp_path: Path) -> None:
    ended = run_to_end(*arguments(tmp_path), "--preload", str(tmp_path / "nowhere"))
    assert ended.returncode == 2
    assert "there is no base in" in ended.stderr


def test_damaged_ledger(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".drpo-runs.json").write_text("{")
    ended = run_to_end(*arguments(tmp_path))
    assert ended.returncode == 3
    assert ".drpo-runs.json is damaged" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("device", ["warp:0", "cuda:99"])
def test_device_that_is_not_there(tmp_path: Path, device: str) -> None:
    """cuda:99 is beyond what this build of PyTorch, this driver or this machine has."""
    ended = run_to_end(*arguments(tmp_path), "--device", device)
    assert ended.returncode == 3
    [line] = [line for line in ended.stderr.splitlines() if f"--device {device}" in line]
    assert "--device cpu" in line
    assert ended.stderr.splitlines()[-1] == line
    assert "Traceback" not in ended.stderr


def test_help_is_fast_because_nothing_heavy_is_imported() -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "drpo_server", "--help"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=True,
    )
    assert "example:" in ended.stdout
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "grpc", "transformers", "numpy"}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_serves_beyond_loopback_with_tls_and_token(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    tls = ["--host", "0.0.0.0", "--tls-cert", str(certificate), "--tls-key", str(key)]
    with started(*arguments(tmp_path), *tls, DRPO_SERVER_TOKEN="secret") as (_, event):
        address = f"localhost:{event['address'].rpartition(':')[2]}"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(certificate.read_bytes())) as channel:
            stub: Any = ModelServiceStub(channel)
            info = stub.GetServerInfo(models.GetServerInfoRequest(), metadata=(("authorization", "Bearer secret"),))
            assert info.instance_id == event["instance_id"]
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError):
            ModelServiceStub(channel).GetServerInfo(models.GetServerInfoRequest(), timeout=HANGS_SECONDS)
