"""A checkpoint's adapter as the PEFT folder that vLLM loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors import safe_open

from drpo_server.checkpoints import SavedModel


def write_adapter_folder(folder: Path, saved: SavedModel, weights_file: Path) -> Path:
    """adapter_config.json, and a copy of the weights, whose names are PEFT's already. Returns the folder.

    A copy, because the trainer deletes what it published while vLLM may still read an adapter again.
    """
    assert saved.lora is not None
    folder.mkdir(parents=True)
    shutil.copyfile(weights_file, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": saved.lora.rank,
        "lora_alpha": saved.lora.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": _adapted_layers(weights_file),
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def _adapted_layers(weights_file: Path) -> list[str]:
    """ "q_proj", ...: the last part of the names of adapted layers."""
    with safe_open(weights_file, framework="pt") as tensors:
        names = list(tensors.keys())
    return sorted({name.removesuffix(".lora_A.weight").rpartition(".")[2] for name in names if ".lora_A." in name})
