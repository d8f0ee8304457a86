"""What is wrong with a base's or an adapter's files is said to be: by name, and never as a fault of the server."""

from __future__ import annotations

import codecs
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import torch
from published_bases import write_qwen2
from safetensors.torch import load_file, save_file
from server_client import RunClient, refused

from drpo_server.proto_gen import tokenizer_service_pb2 as pb
from drpo_server.proto_gen.tokenizer_service_pb2_grpc import TokenizerServiceStub

INVALID = grpc.StatusCode.INVALID_ARGUMENT
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 538090408\n"


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def point(file: Path) -> None:
    file.write_text(POINTER)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def scramble(file: Path) -> None:
    file.write_text("[1, 2]")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "base"
    write_qwen2(folder)
    return folder


@pytest.fixture
def base(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "base"))


def info(channel: grpc.Channel, base: Path) -> pb.GetTokenizerInfoResponse:
    answer: pb.GetTokenizerInfoResponse = TokenizerServiceStub(channel).GetTokenizerInfo(
        pb.GetTokenizerInfoRequest(base=str(base))
    )
    return answer


@pytest.mark.parametrize("damage", [cut, point, empty, scramble])
@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        "special_tokens_map.json",
    ],
)
def test_a_damaged_file_is_named(channel: grpc.Channel, base: Path, name: str, damage: Callable[[Path], None]) -> None:
    file = base / name
    if not file.exists():
        file.write_text("{}")
    damage(file)
    if name != "special_tokens_map.json" or damage is not cut:  # two bytes cut to one are as damaged
        with refused(INVALID, str(file)):
            info(channel, base)


def shard(base: Path) -> list[Path]:
    """The same weights in several files."""
    weights = load_file(base / "model.safetensors")
    names = sorted(weights)
    shards = [names[::2], names[1::2]]
    files = [base / f"model-0000{i + 1}-of-00002.safetensors" for i in range(2)]
    for file, held in zip(files, shards, strict=True):
        save_file({name: weights[name] for name in held}, file, metadata={"format": "pt"})
    weight_map = {name: file.name for file, held in zip(files, shards, strict=True) for name in held}
    (base / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (base / "model.safetensors").unlink()
    return files


def test_a_shard_that_is_missing_or_cut_is_named(channel: grpc.Channel, base: Path) -> None:
    _, second = shard(base)
    cut(second)
    with refused(INVALID, str(second), "cut off"):
        info(channel, base)
    second.unlink()
    with refused(INVALID, second.name, "is missing"):
        info(channel, base)
    (base / "model.safetensors.index.json").write_text("{}")
    with refused(INVALID, "model.safetensors.index.json", "no weight_map"):
        info(channel, base)


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": "many"},
        {"num_attention_heads": 0},
        {"model_type": None},
        {"model_type": "no-such-model"},
        {"model_type": ["qwen2"]},
    ],
)
def test_a_config_that_does_not_fit_is_no_fault_of_the_server(
    channel: grpc.Channel, base: Path, config: dict[str, object]
) -> None:
    own = json.loads((base / "config.json").read_bytes())
    (base / "config.json").write_text(json.dumps({**own, **config}))
    with refused(INVALID, str(base)):
        info(channel, base)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(channel: grpc.Channel, base: Path, value: float) -> None:
    weights = load_file(base / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    weights[name][3, 5] = value
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with refused(INVALID, str(base), name, "not finite"):
        info(channel, base)


def test_byte_order_marks_are_no_fault(channel: grpc.Channel, whole: Path, base: Path) -> None:
    for file in base.glob("*.json"):
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    marked, plain = info(channel, base), info(channel, whole)
    assert (marked.base_hash, marked.vocabulary_hash) == (plain.base_hash, plain.vocabulary_hash)
    assert list(marked.end_token_ids) == list(plain.end_token_ids)


def test_a_cache_of_links_is_a_base(channel: grpc.Channel, whole: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for file in whole.iterdir():
        (snapshot / file.name).symlink_to(file)
    assert info(channel, snapshot).base_hash == info(channel, whole).base_hash


class TestAdapter:
    @pytest.fixture
    def adapter(self, run: RunClient, tmp_path: Path) -> Path:
        """A PEFT adapter that fits what RunClient.create makes."""
        from drpo_server.proto_gen import model_service_pb2 as models

        ref = run.create()
        request = models.ExportModelRequest(
            mutation=run.mutation(), model=ref, format=models.EXPORT_FORMAT_PEFT_ADAPTER, uri="stages/adapter"
        )
        exported = run.result(run.models.ExportModel, request).path
        return Path(shutil.copytree(exported, tmp_path / "adapter"))

    @pytest.mark.parametrize("damage", [cut, point, empty, scramble])
    @pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
    def test_a_damaged_file_is_named(
        self, run: RunClient, adapter: Path, name: str, damage: Callable[[Path], None]
    ) -> None:
        damage(adapter / name)
        with refused(INVALID, str(adapter / name)):
            run.create("other", peft_adapter=str(adapter))

    def test_weights_that_are_not_finite_are_named(self, run: RunClient, adapter: Path) -> None:
        weights = load_file(adapter / "adapter_model.safetensors")
        name = sorted(weights)[0]
        weights[name] = torch.full_like(weights[name], float("nan"))
        save_file(weights, adapter / "adapter_model.safetensors")
        with refused(INVALID, str(adapter), name, "not finite"):
            run.create("other", peft_adapter=str(adapter))

    def test_a_config_without_a_rank(self, run: RunClient, adapter: Path) -> None:
        (adapter / "adapter_config.json").write_text('{"peft_type": "LORA"}')
        with refused(INVALID, str(adapter), "r is None"):
            run.create("other", peft_adapter=str(adapter))
