"""What a base's folder holds: the files that are loaded, what cannot be loaded, and the hash that names all of it.

A base is everything that decides its numbers, or where responses end: weights, config.json, and end tokens. Other files
of its folder, the order of keys and how weights are shared out among files are no part of it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drpo_server.engine.model_files import read_json_object

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"
GENERATION_CONFIG = "generation_config.json"

_CHUNK_BYTES = 1 << 22

_DECIDES_NOTHING = frozenset(
    {
        *("_name_or_path", "name_or_path", "_commit_hash", "transformers_version", "transformers.js_config"),
        *("torch_dtype", "dtype", "use_cache", "auto_map", "tokenizer_class", "transformers_weights"),
        *("_attn_implementation", "_attn_implementation_autoset", "attn_implementation", "_flash_attn_2_enabled"),
        *("initializer_range", "return_dict", "return_dict_in_generate", "output_attentions", "output_hidden_states"),
        *("output_scores", "torchscript", "id2label", "label2id", "problem_type", "task_specific_params"),
        *("finetuning_task", "_experts_implementation", "use_bfloat16"),
    }
)
"""Fields of config.json that change neither what the engine computes nor where responses end."""

_QUANTISED = ("quantization_config", "compression_config", "quantization")
"""Fields of config.json that say that the weights are quantised; the last is MLX's."""


def read_config(path: Path) -> dict[str, Any]:
    """config.json of a base, or the file that it names for this version of transformers.

    Raises FileNotFoundError without one, ValueError if it is not a JSON object.
    """
    config = read_json_object(path / "config.json")
    if "configuration_files" in config:
        from transformers.configuration_utils import get_configuration_file  # slow to import

        config = read_json_object(path / get_configuration_file(config["configuration_files"]))
    return config


def refuse_unfit(path: Path) -> None:
    """Refuses what transformers would load as something else than the plain base.

    Raises FileNotFoundError without weights, ValueError for a quantised base or an adapter in its folder.
    """
    if (path / ADAPTER_CONFIG).exists():
        raise ValueError(
            f"{path}/{ADAPTER_CONFIG}: a PEFT adapter is in the base's folder, and transformers would load it into the "
            "base. Move adapter_config.json and adapter_model.safetensors to another folder; to start from that "
            'adapter, name its folder as sft: {"kind": "adapter"}'
        )
    config = read_config(path)
    for key in _QUANTISED:
        if config.get(key):
            raise ValueError(
                f"{path}/config.json: {key} says that the weights are quantised ({_quantised_how(config[key])}). "
                "The engine computes with plain weights (float32, float16 or bfloat16): take the release that is not "
                "quantised, or write one with transformers' model.dequantize() and save_pretrained()"
            )
    weight_files(path)


def weight_files(path: Path) -> list[Path]:
    """The safetensors files that transformers loads from a base's folder, and no other. Raises FileNotFoundError."""
    named = read_config(path).get("transformers_weights")
    for name in [named] if isinstance(named, str) else [WEIGHTS, WEIGHTS_INDEX]:
        if not (path / name).is_file():
            continue
        if not name.endswith(".index.json"):
            return [path / name]
        shards = _shards(path / name)
        missing = [shard for shard in shards if not (path / shard).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{path}: {', '.join(missing[:3])} is missing, which {name} names: fetch the folder's weights again"
            )
        return [path / shard for shard in shards]
    raise FileNotFoundError(f"{path} has no {WEIGHTS} and no {WEIGHTS_INDEX}. {_advise_without_weights(path)}")


def _shards(index: Path) -> list[str]:
    weight_map = read_json_object(index).get("weight_map")
    files = list(weight_map.values()) if isinstance(weight_map, dict) else []
    if not files or not all(isinstance(file, str) for file in files):
        raise ValueError(f"{index} has no weight_map, so it does not say where the weights are: fetch it again")
    return sorted(set(files))


def end_tokens(value: Any) -> list[int]:
    """The ids of `eos_token_id` in a configuration, each once: it is a number, a list, or null."""
    if value is None:
        return []
    return list(dict.fromkeys(int(token) for token in (value if isinstance(value, list) else [value])))


def hash_base(path: Path) -> str:
    """SHA-256 (hexadecimal) of what a base is: the content of its weights, its configuration and its end tokens.

    Raises as weight_files does, and ValueError, naming the file, for one that is damaged.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(_deciding_config(path), sort_keys=True).encode())
    for tensor in sorted(_tensors(weight_files(path)), key=lambda one: one.name):
        digest.update(f"\0{tensor.name}\0{tensor.dtype}\0{tensor.shape}\0".encode())
        for chunk in tensor.chunks():
            digest.update(chunk)
    return digest.hexdigest()


def hash_all_safetensors(path: Path) -> str:
    """What named a base in checkpoints written before config.json was part of it: SHA-256 over all safetensors files of
    the folder, in order of their names."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.safetensors")):
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class _StoredTensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int
    """Bytes."""

    def chunks(self) -> Iterator[bytes]:
        left = self.size
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            while left > 0:
                chunk = stream.read(min(left, _CHUNK_BYTES))
                if not chunk:
                    raise ValueError(f"{self.file} is cut off within {self.name}: fetch it again")
                left -= len(chunk)
                yield chunk


def _tensors(files: list[Path]) -> Iterator[_StoredTensor]:
    """As the headers of the files say. The format: https://huggingface.co/docs/safetensors."""
    for file in files:
        with file.open("rb") as stream:
            try:
                (length,) = struct.unpack("<Q", stream.read(8))
                if length > file.stat().st_size:
                    raise ValueError("its header is longer than the file")
                header = json.loads(stream.read(length))
                stored = [
                    _StoredTensor(name, entry["dtype"], tuple(entry["shape"]), file, 8 + length + begin, end - begin)
                    for name, entry in header.items()
                    if name != "__metadata__"
                    for begin, end in [entry["data_offsets"]]
                ]
            except (struct.error, ValueError, AttributeError, KeyError, TypeError) as error:
                raise ValueError(f"{file} is no safetensors file, or is damaged ({error}): fetch it again") from error
        yield from stored


def _deciding_config(path: Path) -> dict[str, Any]:
    config = read_config(path)
    generation = path / GENERATION_CONFIG
    ends = read_json_object(generation).get("eos_token_id") if generation.is_file() else None
    deciding = {
        key: _plain(value)
        for key, value in config.items()
        if key not in _DECIDES_NOTHING and key != "eos_token_id" and not (key in _QUANTISED and not value)
    }
    return {"config": deciding, "ends": end_tokens(config.get("eos_token_id")), "generation_ends": end_tokens(ends)}


def _plain(value: Any) -> Any:
    """Numbers that are equal are spelled alike."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in _DECIDES_NOTHING}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _quantised_how(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("quant_method") or ", ".join(sorted(map(str, value))[:3]))
    return str(value)


def _advise_without_weights(path: Path) -> str:
    names = {file.name for file in path.iterdir()}
    gguf = sorted(name for name in names if name.endswith(".gguf"))
    if gguf:
        return (
            f"{gguf[0]} is GGUF: convert it with `python -m drpo_server.gguf_to_safetensors {path / gguf[0]} FOLDER` "
            "and name FOLDER as the base"
        )
    if any(name.startswith("pytorch_model") for name in names):
        return "Its weights are pickled, which are never read: save them with transformers' save_pretrained()"
    others = sorted(name for name in names if name.endswith(".safetensors"))
    held = f" ({', '.join(others[:3])} is in another layout)" if others else ""
    return f"Fetch the base's weights in Hugging Face layout{held}"
