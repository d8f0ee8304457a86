"""A GGUF file becomes a base folder with the same weights and tokenizer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from drpo_server.gguf_to_safetensors import main

HEADS, KEY_HEADS = 4, 2
GGUF_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
    "model.layers": "blk",
}


def gguf_layout(name: str, weight: Tensor) -> np.ndarray:
    """llama.cpp pairs the rotated dimensions of queries and keys differently."""
    for part, heads in (("q_proj", HEADS), ("k_proj", KEY_HEADS)):
        if part in name:
            weight = weight.view(heads, 2, -1, weight.shape[-1]).transpose(1, 2).reshape(weight.shape)
    return weight.numpy()


@pytest.fixture(scope="module")
def gguf_file(tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny_llama_folder's weights with a byte-pair tokenizer, in float32."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(128)
    writer.add_embedding_length(32)
    writer.add_block_count(4)
    writer.add_feed_forward_length(48)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(8)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(64)
    writer.add_tokenizer_model("gpt2")
    letters = [chr(ord("a") + n) for n in range(26)]
    tokens = ["<eos>", *letters, "ab", *(f"<{n}>" for n in range(36))]
    writer.add_token_list(tokens)
    writer.add_token_types([3] + [1] * 63)
    writer.add_token_merges(["a b"])
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_pad_token_id, writer.add_unk_token_id):
        add(0)
    for name, weight in load_file(tiny_llama_folder / "model.safetensors").items():
        stored = name
        for old, new in GGUF_NAMES.items():
            stored = stored.replace(old, new)
        writer.add_tensor(stored, gguf_layout(name, weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_weights_and_tokenizer(gguf_file: Path, tiny_llama_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "base"
    assert main([str(gguf_file), str(out)]) == 0
    expected = load_file(tiny_llama_folder / "model.safetensors")
    converted = load_file(out / "model.safetensors")
    assert converted.keys() == expected.keys()
    for name, weight in expected.items():
        assert converted[name].dtype == torch.float32
        assert torch.equal(converted[name], weight), name
    config = json.loads((out / "config.json").read_text())
    assert "quantization_config" not in config
    assert (config["eos_token_id"], config["dtype"]) == (0, "float32")
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer("cab", add_special_tokens=False)["input_ids"] == [3, 27]
    assert tokenizer.eos_token_id == 0
    row = torch.tensor([[3, 27, 4]])
    with torch.no_grad():
        logits = [AutoModelForCausalLM.from_pretrained(folder)(row).logits for folder in (out, tiny_llama_folder)]
    torch.testing.assert_close(*logits)
    assert [path.name for path in out.parent.iterdir()] == ["base"]


def test_nothing_is_overwritten(gguf_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main([str(gguf_file), str(tmp_path)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "mine"


def test_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.gguf"), str(tmp_path / "out")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_file_that_is_no_gguf_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"not a model")
    ended = subprocess.run(
        [sys.executable, "-m", "drpo_server.gguf_to_safetensors", tmp_path / "bad.gguf", tmp_path / "out"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "bad.gguf" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.gguf"]
