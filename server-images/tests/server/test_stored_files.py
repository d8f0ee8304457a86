"""Downloads: a client that shares no disk gets the files of checkpoints and exports, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import grpc
import pytest
from safetensors.torch import load as load_tensors
from safetensors.torch import load_file
from server_client import DEADLINE_SECONDS, RunClient, refused, serve

from drpo_server.proto_gen import model_service_pb2 as models
from drpo_server.proto_gen.model_service_pb2_grpc import ModelServiceStub
from drpo_server.storage import MANIFEST, write_manifest
from drpo_server.stored_files import CHUNK_BYTES

STATUS = grpc.StatusCode


def listed(run: RunClient, uri: str) -> models.ListFilesResponse:
    answer: models.ListFilesResponse = run.models.ListFiles(models.ListFilesRequest(uri=uri), timeout=DEADLINE_SECONDS)
    return answer


def read(run: RunClient, uri: str, path: str, *, manifest_hash: str = "", offset: int = 0) -> list[bytes]:
    """The chunks of a file."""
    request = models.ReadFileRequest(
        uri=uri, path=path, offset=offset, manifest_hash=manifest_hash or listed(run, uri).manifest_hash
    )
    return run.answers(run.models.ReadFile, request)


def store(root: Path, name: str, files: dict[str, bytes], described: dict[str, bytes] | None = None) -> Path:
    """A folder as a checkpoint would be, whose manifest describes other files if asked to."""
    folder = root / "checkpoints" / name
    folder.mkdir(parents=True)
    for path, content in files.items():
        (folder / path).write_bytes(content)
    described = files if described is None else described
    entries = {
        path: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in described.items()
    }
    write_manifest(folder, {"format": "drpo-checkpoint/1", "files": entries})
    return folder


def test_a_checkpoint_arrives_whole(run: RunClient, tmp_path: Path) -> None:
    checkpoint = run.save([run.step(run.create())])
    answer = listed(run, checkpoint.uri)
    assert answer.manifest_hash == checkpoint.manifest_hash
    assert {file.path for file in answer.files} == {MANIFEST, "policy.safetensors", "policy.optimizer.safetensors"}
    for file in answer.files:
        content = b"".join(read(run, checkpoint.uri, file.path))
        assert len(content) == file.bytes
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert content == (tmp_path / checkpoint.uri / file.path).read_bytes()
    [manifest] = [file for file in answer.files if file.path == MANIFEST]
    assert manifest.sha256 == checkpoint.manifest_hash


@pytest.mark.parametrize("export_format", [models.EXPORT_FORMAT_PEFT_ADAPTER, models.EXPORT_FORMAT_MERGED])
def test_an_export_arrives_whole(run: RunClient, tmp_path: Path, export_format: models.ExportFormat) -> None:
    request = models.ExportModelRequest(
        mutation=run.mutation(), model=run.create(), format=export_format, uri="stages/out"
    )
    run.result(run.models.ExportModel, request)
    answer = listed(run, "stages/out")
    assert {file.path for file in answer.files} == {path.name for path in (tmp_path / "stages" / "out").iterdir()}
    contents = {file.path: b"".join(read(run, "stages/out", file.path)) for file in answer.files}
    assert all(hashlib.sha256(contents[file.path]).hexdigest() == file.sha256 for file in answer.files)
    [weights] = [path for path in contents if path.endswith(".safetensors")]
    assert load_tensors(contents[weights]).keys() == load_file(tmp_path / "stages" / "out" / weights).keys()


def test_chunks_of_at_most_a_mebibyte_and_a_download_that_goes_on(run: RunClient, tmp_path: Path) -> None:
    content = bytes(range(256)) * (10 * CHUNK_BYTES // 1024)  # two and a half chunks
    store(tmp_path, "big", {"policy.safetensors": content})
    chunks = read(run, "checkpoints/big", "policy.safetensors")
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES // 2]
    rest = read(run, "checkpoints/big", "policy.safetensors", offset=CHUNK_BYTES + 5)
    assert b"".join(rest) == content[CHUNK_BYTES + 5 :]
    assert read(run, "checkpoints/big", "policy.safetensors", offset=len(content)) == []
    with refused(STATUS.INVALID_ARGUMENT, "ReadFileRequest.offset", str(len(content) + 1)):
        read(run, "checkpoints/big", "policy.safetensors", offset=len(content) + 1)


def test_what_is_not_there(run: RunClient, tmp_path: Path) -> None:
    store(tmp_path, "one", {"a": b"1"})
    with refused(STATUS.NOT_FOUND, "checkpoints/two"):
        listed(run, "checkpoints/two")
    with refused(STATUS.NOT_FOUND, "'b'"):
        read(run, "checkpoints/one", "b")
    (tmp_path / "checkpoints" / "one" / "unnamed").write_bytes(b"not in the manifest")
    with refused(STATUS.NOT_FOUND, "'unnamed'"):
        read(run, "checkpoints/one", "unnamed")


@pytest.mark.parametrize("uri", ["", "checkpoints", "checkpoints/..", "checkpoints/../x", "/etc", "runs/one"])
def test_a_uri_stays_below_the_roots(run: RunClient, uri: str) -> None:
    with refused(STATUS.INVALID_ARGUMENT, "ListFilesRequest.uri"):
        listed(run, uri)
    with refused(STATUS.INVALID_ARGUMENT, "ReadFileRequest.uri"):
        read(run, uri, "manifest.json", manifest_hash="0" * 64)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../one/a", "a/../a", "a//b", "a\\b", "a\0", "."])
def test_a_path_stays_in_its_folder(run: RunClient, tmp_path: Path, path: str) -> None:
    store(tmp_path, "one", {"a": b"1"})
    with refused(STATUS.INVALID_ARGUMENT, "ReadFileRequest.path"):
        read(run, "checkpoints/one", path)


def test_a_link_out_of_the_folder_is_not_followed(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = store(tmp_path, "one", {}, described={"a": b"secret"})
    (folder / "a").symlink_to(tmp_path / "secret")
    with refused(STATUS.DATA_LOSS, "checkpoints/one/a", "out of its folder"):
        read(run, "checkpoints/one", "a")


def test_a_folder_that_was_written_anew(run: RunClient) -> None:
    policy = run.create()
    before = run.save([policy])
    after = run.save([run.step(policy)])
    assert before.uri == after.uri
    with refused(STATUS.FAILED_PRECONDITION, before.manifest_hash, "written anew"):
        read(run, before.uri, "policy.safetensors", manifest_hash=before.manifest_hash)


def test_damaged_files(run: RunClient, tmp_path: Path) -> None:
    folder = store(tmp_path, "one", {"a": b"cut"}, described={"a": b"whole", "b": b"gone"})
    with refused(STATUS.DATA_LOSS, "checkpoints/one/a", "3 bytes, not 5"):
        read(run, "checkpoints/one", "a")
    with refused(STATUS.DATA_LOSS, "checkpoints/one/b"):
        read(run, "checkpoints/one", "b")
    (folder / MANIFEST).write_text(json.dumps({"files": {"a": "?"}}))
    with refused(STATUS.DATA_LOSS, "checkpoints/one/manifest.json"):
        listed(run, "checkpoints/one")
    (folder / MANIFEST).write_text("{")
    with refused(STATUS.DATA_LOSS, "checkpoints/one/manifest.json"):
        listed(run, "checkpoints/one")


def test_an_export_without_hashes_of_an_older_server(run: RunClient, tmp_path: Path) -> None:
    folder = tmp_path / "stages" / "old"
    folder.mkdir(parents=True)
    write_manifest(folder, {"format": "drpo-export/1"})
    with refused(STATUS.FAILED_PRECONDITION, "stages/old", "older server"):
        listed(run, "stages/old")


def test_a_token_is_needed(tmp_path: Path) -> None:
    store(tmp_path, "one", {"a": b"1"})
    with serve(tmp_path, token="secret") as (_, channel), refused(STATUS.UNAUTHENTICATED):
        ModelServiceStub(channel).ListFiles(models.ListFilesRequest(uri="checkpoints/one"))
