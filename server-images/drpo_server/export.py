"""One model as a folder that other tools read: a PEFT adapter, or a Hugging Face folder with the updates added in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from drpo_server.durable_files import hash_file, new_folder
from drpo_server.end_tokens import generation_settings
from drpo_server.engine.group import Group
from drpo_server.engine.model import Model
from drpo_server.engine.types import Head, OnProgress
from drpo_server.in_step import on_first
from drpo_server.storage import RequestIdentity, folder_bytes, write_manifest
from drpo_server.tokenizers import Tokenizer, tokenizer_files

FORMAT = "drpo-export/1"


class ExportFormat(Enum):
    PEFT_ADAPTER = "peft-adapter"
    MERGED = "merged"


def export_model(
    folder: Path,
    model: Model,
    export_format: ExportFormat,
    *,
    group: Group,
    request: RequestIdentity,
    on_progress: OnProgress,
) -> int:
    """Writes the folder, replacing an earlier export; of several processes the first does. Returns bytes on disk.

    Raises ValueError for the adapter of a full copy. on_progress gets (bytes written, bytes in all).
    """
    config = model.peft_config() if export_format is ExportFormat.PEFT_ADAPTER else {}
    state = model.state() if export_format is ExportFormat.PEFT_ADAPTER else model.merged_state()
    bias = state.pop("score.bias", None)
    manifest = {
        "format": FORMAT,
        "request": request.as_json(),
        "base_hash": model.base.base_hash,
        "weights_hash": model.weights_hash(),
        # Hugging Face's scalar heads have no bias: add it to what they compute to get this model's scores.
        "score_bias": float(bias[0]) if bias is not None else 0.0,
    }

    def write() -> int:
        with new_folder(folder) as partial:
            if export_format is ExportFormat.PEFT_ADAPTER:
                _write_adapter(partial, config, state)
            else:
                _write_merged(partial, model, state)
            if model.head is Head.LANGUAGE_MODEL:
                _write_generation_config(partial, model.base.path)
            write_manifest(partial, {**manifest, "files": _describe_files(partial)})
            return folder_bytes(partial)

    size = on_first(group, write) or 0
    on_progress(size, size)
    return size


def _describe_files(folder: Path) -> dict[str, dict[str, str | int]]:
    """Hash and bytes of each file, by name."""
    return {path.name: {"sha256": hash_file(path), "bytes": path.stat().st_size} for path in sorted(folder.iterdir())}


def _write_adapter(folder: Path, config: dict[str, object], state: dict[str, Tensor]) -> None:
    """adapter_config.json and adapter_model.safetensors."""
    tensors = {_peft_key(name): tensor for name, tensor in state.items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "adapter_config.json", config)


def _write_merged(folder: Path, model: Model, state: dict[str, Tensor]) -> None:
    """config.json, model.safetensors and the tokenizer; a scalar head becomes a sequence classifier with one label."""
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", _merged_config(model, state))
    files = tokenizer_files(model.base.path)
    generation_config = model.base.path / "generation_config.json"
    if model.head is Head.LANGUAGE_MODEL and generation_config.is_file():
        files.append(generation_config)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def _write_generation_config(folder: Path, base: Path) -> None:
    """So that clients stop at every token at which the run's responses ended; left alone where the base's settings do."""
    if settings := generation_settings(base, Tokenizer(base).end_tokens):
        _write_json(folder / "generation_config.json", settings)


def _peft_key(name: str) -> str:
    return f"base_model.model.{name}" if name == "score.weight" else name


def _merged_config(model: Model, state: dict[str, Tensor]) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((model.base.path / "config.json").read_bytes())
    config.pop("torch_dtype", None)
    config["dtype"] = str(next(iter(state.values())).dtype).removeprefix("torch.")
    if model.head is Head.SCALAR:
        config["architectures"] = [
            name.replace("ForCausalLM", "ForSequenceClassification") for name in config.get("architectures") or []
        ]
        config["num_labels"] = 1
        config["id2label"], config["label2id"] = {"0": "SCORE"}, {"SCORE": 0}
        if config.get("pad_token_id") is None:
            config["pad_token_id"] = config.get("eos_token_id")
    return config


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
