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
from drpo_server.engine.base_folder import GENERATION_CONFIG, read_config
from drpo_server.engine.group import Group
from drpo_server.engine.model import Model
from drpo_server.engine.types import Head, OnProgress
from drpo_server.in_step import on_first
from drpo_server.storage import RequestIdentity, folder_bytes, write_manifest
from drpo_server.tokenizer_files import tokenizer_files
from drpo_server.tokenizers import Tokenizer

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
    score_bias = float(bias[0]) if bias is not None else 0.0
    manifest = {
        "format": FORMAT,
        "request": request.as_json(),
        "base_hash": model.base.base_hash,
        "weights_hash": model.weights_hash(),
        # Hugging Face's scalar heads have no bias: add it to what they compute to get this model's scores. drpo does.
        "score_bias": score_bias,
    }

    def write() -> int:
        with new_folder(folder) as partial:
            if export_format is ExportFormat.PEFT_ADAPTER:
                _write_adapter(partial, config, state)
            else:
                _write_merged(partial, model, state, score_bias)
            if model.head is Head.LANGUAGE_MODEL:
                _write_generation_config(partial, model.base.path)
            write_manifest(partial, {**manifest, "files": _describe_files(partial)})
            return folder_bytes(partial)

    size = on_first(group, write) or 0
    on_progress(size, size)
    return size


def _describe_files(folder: Path) -> dict[str, dict[str, str | int]]:
    """Hash and bytes of each file, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"sha256": hash_file(path), "bytes": path.stat().st_size} for path in files
    }


def _write_adapter(folder: Path, config: dict[str, object], state: dict[str, Tensor]) -> None:
    """adapter_config.json and adapter_model.safetensors."""
    tensors = {_peft_key(name): tensor for name, tensor in state.items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "adapter_config.json", config)


def _write_merged(folder: Path, model: Model, state: dict[str, Tensor], score_bias: float) -> None:
    """config.json, model.safetensors and the tokenizer; a scalar head becomes a sequence classifier with one label."""
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", _merged_config(model, state, score_bias))
    files = tokenizer_files(model.base.path)
    if model.head is Head.LANGUAGE_MODEL and (model.base.path / GENERATION_CONFIG).is_file():
        files.append(Path(GENERATION_CONFIG))
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(model.base.path / file, folder / file)


def _write_generation_config(folder: Path, base: Path) -> None:
    """So that clients stop at every token that ended the run's responses, where the base's settings lack one."""
    if settings := generation_settings(base, Tokenizer(base).end_tokens):
        _write_json(folder / "generation_config.json", settings)


def _peft_key(name: str) -> str:
    return f"base_model.model.{name}" if name == "score.weight" else name


_OF_THE_BASES_FILES = ("auto_map", "configuration_files", "transformers_weights", "torch_dtype", "_name_or_path")
"""Fields of a base's config.json that name files which an export does not have, or say what is said otherwise."""


def _merged_config(model: Model, state: dict[str, Tensor], score_bias: float) -> dict[str, Any]:
    base = {key: value for key, value in read_config(model.base.path).items() if key not in _OF_THE_BASES_FILES}
    config = {
        **base,
        "architectures": [_architecture(model, base["model_type"])],
        "dtype": str(next(iter(state.values())).dtype).removeprefix("torch."),
    }
    if model.head is Head.SCALAR:
        config |= {"num_labels": 1, "id2label": {"0": "SCORE"}, "label2id": {"SCORE": 0}}
        config["pad_token_id"] = Tokenizer(model.base.path).padding_token_id(base.get("pad_token_id"))
        config["score_bias"] = score_bias
    elif not isinstance(base.get("pad_token_id"), int):
        config["pad_token_id"] = None
    return config


def _architecture(model: Model, model_type: str) -> str:
    """The class of transformers that loads it."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    )

    scalar = model.head is Head.SCALAR
    names: Any = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES if scalar else MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return str(names[model_type])


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
