"""Reads a PEFT LoRA adapter folder into a model's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from drpo_server.engine.model import Model
from drpo_server.engine.model_files import (
    blaming_files,
    read_json_object,
    refuse_cut_safetensors,
    refuse_not_finite,
)

_PREFIX = "base_model.model."
_HEAD_NAMES = {f"{_PREFIX}score.weight": "score.weight", f"{_PREFIX}score.bias": "score.bias"}
_UNSUPPORTED = ("use_dora", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern", "layer_replication")


def read_peft_adapter(folder: Path, model: Model) -> dict[str, Tensor]:
    """The adapter's weights by the names of Model.state(); a scalar head is included if the adapter has one.

    Raises FileNotFoundError if a file is missing, ValueError where the adapter's rank, alpha, targets or blocks are not
    the model's, or it uses a variant of LoRA that is not supported.
    """
    config_file, weights_file = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    for file in (config_file, weights_file):
        if not file.is_file():
            raise FileNotFoundError(f"{file}: not found; a PEFT adapter has it (pickled weights are not read)")
    _check_config(folder, read_json_object(config_file), model)
    refuse_cut_safetensors(weights_file)
    with blaming_files(weights_file):
        loaded = load_file(weights_file)
    refuse_not_finite(weights_file, loaded)
    state: dict[str, Tensor] = {}
    for key, tensor in loaded.items():
        name = _HEAD_NAMES.get(key, key)
        if name in _HEAD_NAMES.values() and name not in model.named_parameters():
            raise ValueError(f"{folder}: has a scalar head; the model asked for has none")
        state[name] = tensor
    bias = _exported_bias(folder)
    if bias and "score.weight" in state and "score.bias" not in state:
        state["score.bias"] = torch.tensor([bias])
    missing = {name for name in model.named_parameters() if ".lora_" in name} - state.keys()
    unknown = state.keys() - model.named_parameters().keys()
    if missing or unknown:
        raise ValueError(
            f"{folder}: its targets are not the model's: lacks {sorted(missing)[:3]}, has besides {sorted(unknown)[:3]}"
        )
    return state


def _exported_bias(folder: Path) -> float:
    """Of a scalar head that drpo exported: PEFT's have none, so the manifest has it."""
    file = folder / "manifest.json"
    return float(read_json_object(file).get("score_bias", 0.0)) if file.is_file() else 0.0


def _check_config(folder: Path, config: dict[str, Any], model: Model) -> None:
    if model.lora is None:
        raise ValueError(f"{folder}: a PEFT adapter does not fit a full copy")
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none":
        raise ValueError(f"{folder}: only LoRA without trained biases is supported")
    used = [name for name in _UNSUPPORTED if config.get(name)]
    if used:
        raise ValueError(f"{folder}: {', '.join(used)} is not supported")
    for name, value, expected in (
        ("r", config.get("r"), model.lora.rank),
        ("lora_alpha", config.get("lora_alpha"), model.lora.alpha),
    ):
        if value != expected:
            raise ValueError(f"{folder}: {name} is {value}, the model asked for has {expected}")
