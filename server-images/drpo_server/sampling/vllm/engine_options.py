"""The settings that vLLM's engine is started with: ours, and those that are passed through."""

from __future__ import annotations

import dataclasses
import difflib
import os
from typing import Any

from drpo_server.errors import InvalidArgument
from drpo_server.sampling.vllm.backend import BACKEND, LOGITS_PROCESSOR, WORKER_EXTENSION
from drpo_server.sampling.vllm.die_with_parent import DieWithParent
from drpo_server.settings import Settings

MAX_LORA_RANK = 64
"""Unless --engine-options says otherwise. vLLM allots memory for it; adapters above it are merged into the base."""

_CPU_BLOCK_TOKENS = 32
"""Tokens of a block of the prefix cache. vLLM's default on CPUs is 128: what is shorter would never be shared."""

_OURS = {
    "model": "--base names the model",
    "tokenizer": "token ids come and go, so there is no tokenizer",
    "skip_tokenizer_init": "token ids come and go, so there is no tokenizer",
    "dtype": "--dtype names the type of the weights",
    "load_format": "weights are read from safetensors only",
    "generation_config": "the client says how tokens are drawn",
    "logits_processors": "tokens are drawn by the seeds of rollouts",
    "logprobs_mode": "log-probabilities are those at the temperature",
    "worker_extension_cls": "it holds the transfer of weights",
    "weight_transfer_config": "it holds the transfer of weights",
    "speculative_config": "the seeds of rollouts decide tokens one by one",
    "additional_config": "it ties vLLM's processes to the server's",
    "trust_remote_code": "code that comes with weights is never run",
}


def prepare_environment(settings: Settings) -> None:
    """Settings that vLLM reads from the environment when it is imported. What the user has set stays."""
    options = settings.engine_options
    kind, _, index = settings.device.partition(":")
    if kind == "cuda" and index:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[int(index)] if visible else index
    defaults = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
        # The logits processor has the interface of this model runner.
        "VLLM_USE_V2_MODEL_RUNNER": "0",
    }
    if settings.device == "cpu":
        # Without it vLLM pins its threads, keeps one core for itself, and stands in the way of a trainer beside it.
        threads = settings.threads or os.cpu_count() or 1
        defaults |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(threads)}
        if "kv_cache_memory_bytes" not in options:
            defaults["VLLM_CPU_KVCACHE_SPACE"] = "2"  # GiB; vLLM would take most of the machine's memory
        if options.get("enforce_eager", True):
            # Without a compiled model nothing else is worth compiling: it took 20 s before the first token.
            defaults["TORCHDYNAMO_DISABLE"] = "1"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def engine_arguments(settings: Settings, known: type) -> dict[str, Any]:
    """The arguments of vLLM's AsyncEngineArgs, whose class is `known`.

    Raises InvalidArgument for an option that vLLM does not have (naming the nearest one) or that is not to be set.
    """
    options = settings.engine_options
    names = [field.name for field in dataclasses.fields(known)]
    for name in options:
        if name in _OURS:
            raise InvalidArgument(f"--engine-options: {name} cannot be set: {_OURS[name]}")
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            advice = f"did you mean {near[0]}?" if near else "see vLLM's engine arguments"
            raise InvalidArgument(f"--engine-options: vLLM has no setting {name!r}: {advice}")
    defaults: dict[str, Any] = {
        "enable_prefix_caching": True,
        "enable_lora": True,
        "max_lora_rank": MAX_LORA_RANK,
        "max_loras": 2,
        "disable_log_stats": True,
    }
    if settings.device == "cpu":
        defaults |= {"enforce_eager": True, "block_size": _CPU_BLOCK_TOKENS}
    ours = {
        "model": str(settings.base),
        "skip_tokenizer_init": True,
        "dtype": settings.dtype,
        "load_format": "safetensors",
        "generation_config": "vllm",
        "logits_processors": [LOGITS_PROCESSOR],
        "logprobs_mode": "processed_logits",
        "worker_extension_cls": WORKER_EXTENSION,
        "weight_transfer_config": {"backend": BACKEND},
        "additional_config": DieWithParent(os.getpid()),
        "seed": 0,
    }
    merged = {**defaults, **options, **ours}
    if not merged["enable_lora"]:
        del merged["max_lora_rank"], merged["max_loras"]
    return merged
