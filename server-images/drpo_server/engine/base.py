"""A resident base: the frozen weights of a Hugging Face causal language model, shared by every adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from drpo_server.engine.base_folder import hash_all_safetensors, hash_base, refuse_unfit, weight_files
from drpo_server.engine.group import ALONE, Group
from drpo_server.engine.lora import AdapterSwitch, LoraLinear, install_lora
from drpo_server.engine.model_files import (
    blaming_files,
    refuse_cut_safetensors,
    refuse_not_finite,
    without_byte_order_marks,
)
from drpo_server.engine.network import FAMILIES, Network

_FIXED_ROTARY = {"default", "linear", "llama3", "yarn"}
"""Rotary embeddings whose angles do not depend on how long the other rows of a call are."""


class Base:
    """Frozen weights, loaded once. Made by load_base."""

    def __init__(
        self, *, path: Path, base_hash: str, network: Network, first_head: Mapping[str, Tensor], group: Group
    ) -> None:
        config: Any = network.module.config
        self.group = group
        self.path = path
        self.base_hash = base_hash
        """As hash_base names the folder."""
        self._older_hash: str | None = None
        self.network = network
        self.vocabulary_size: int = config.vocab_size
        self.context_tokens = _context_tokens(config)
        self.n_blocks = len(network.blocks)
        self.hidden_size: int = config.hidden_size
        self.query_heads_per_key_head: int = config.num_attention_heads // getattr(
            config, "num_key_value_heads", config.num_attention_heads
        )
        self.first_head = dict(first_head)
        """`score.weight` and `score.bias` of the folder, if it is a sequence classifier's."""
        self._layers = f"{network.family.body}.layers"
        self._linears = install_lora(network.module, self._layers, network.switch)
        if group.size == 1:
            network.pack()
        network.shard(group)

    def has_hash(self, base_hash: str) -> bool:
        """Whether a checkpoint with this hash is of this base. Older ones name the bytes of the safetensors files."""
        if base_hash == self.base_hash:
            return True
        if self._older_hash is None:
            self._older_hash = hash_all_safetensors(self.path)
        return base_hash == self._older_hash

    def full_network(self) -> Network:
        """A network with weights of its own, whole; who makes a model of it shards it. Weights that are sharded cannot
        be copied, so they are read again from the base's folder."""
        network = self.network
        if self.group.size == 1:
            return network.copy(network.dtype)
        module = _load_module(self.path, network.module.config, network.dtype)[0]
        wide = module.to(torch.promote_types(network.dtype, torch.float32)).requires_grad_(False)
        return Network(wide, network.family, AdapterSwitch(), network.dtype, recompute=network.recompute)

    def linear_names(self) -> tuple[str, ...]:
        """Names of the linear layers inside a block, such as "q_proj", in the order of the block."""
        return tuple(path.rpartition(".")[2] for path in self._linears)

    def linears(self, block: int, names: tuple[str, ...]) -> dict[str, LoraLinear]:
        """The named linear layers of a block, by their full names."""
        found: dict[str, LoraLinear] = {}
        for path in self._linears:
            if path.rpartition(".")[2] in names:
                full = f"{self._layers}.{block}.{path}"
                layer = self.network.module.get_submodule(full)
                assert isinstance(layer, LoraLinear)
                found[full] = layer
        return found


def load_base(
    path: Path, device: torch.device, dtype: torch.dtype, *, group: Group = ALONE, recompute: bool = False
) -> Base:
    """Reads a Hugging Face folder with safetensors weights (pickles are never read); every process of the group does.

    recompute: see Network.
    Also takes a sequence classifier with one label, whose `score.weight` becomes the first weights of scalar heads.
    Raises FileNotFoundError if the folder or its safetensors are missing, ValueError for an architecture that is
    neither Llama-like nor GPT-NeoX, a quantised base, an adapter in its folder, or weights that are missing, cut off,
    not finite, left over or of another shape than the configuration says.
    """
    refuse_unfit(path)
    config = load_config(path)
    if config.model_type not in FAMILIES:
        raise ValueError(
            f"{path}: unsupported architecture {config.model_type!r}; known: {', '.join(sorted(FAMILIES))}"
        )
    rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rotary not in _FIXED_ROTARY:
        raise ValueError(f"{path}: rotary embedding {rotary!r} depends on the batch; known: {sorted(_FIXED_ROTARY)}")
    for file in weight_files(path):
        refuse_cut_safetensors(file)
    module, first_head = _load_module(path, config, dtype)
    if group.size == 1:
        module.to(device)  # else its blocks go there one by one, in parts
    refuse_not_finite(path, {**dict(module.named_parameters()), **first_head})
    module.requires_grad_(False)
    network = Network(module, FAMILIES[config.model_type], AdapterSwitch(), dtype, recompute=recompute)
    return Base(path=path, base_hash=hash_base(path), network=network, first_head=first_head, group=group)


def load_config(path: Path) -> Any:
    """A base's configuration, as transformers reads it. Raises ValueError, naming the folder."""
    with blaming_files(path / "config.json"), without_byte_order_marks(path) as clean:
        return AutoConfig.from_pretrained(clean, local_files_only=True)


def _load_module(path: Path, config: Any, dtype: torch.dtype) -> tuple[nn.Module, dict[str, Tensor]]:
    """On the CPU, with a sequence classifier's head beside it."""
    with blaming_files(path), without_byte_order_marks(path) as clean:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            clean,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation="sdpa",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
        )
    module, loading = loaded
    first_head = _first_head(path, config)
    _refuse_others(path, module, config)
    mismatched = sorted(str(name) for name, *_ in loading["mismatched_keys"])
    if mismatched:
        raise ValueError(f"{path}: weights have other shapes than config.json says: {', '.join(mismatched[:5])}")
    unexpected = sorted(set(loading["unexpected_keys"]) - {"score.weight", "score.bias"})
    if unexpected:
        raise ValueError(
            f"{path}: it holds weights that {type(module).__name__} does not have: {', '.join(unexpected[:5])}. "
            "They would be left out without a word: take the model's plain weights, or remove them from the files"
        )
    missing = set(loading["missing_keys"])
    if first_head and missing == {"lm_head.weight"}:
        module.lm_head = nn.Identity()
    elif missing:
        raise ValueError(f"{path}: weights are missing: {', '.join(sorted(missing)[:5])}")
    return module, first_head


def _refuse_others(path: Path, module: nn.Module, config: Any) -> None:
    """Refuses modules that are not the architecture's own: what was put around them would end up in exports."""
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config)
    names = {name for name, _ in module.named_modules()}
    others = sorted(names.symmetric_difference(name for name, _ in plain.named_modules()))
    if others:
        raise ValueError(
            f"{path}: transformers loads it with other modules than {type(plain).__name__} has, such as {others[0]}: "
            "remove the files of adapters and of quantisation from the folder"
        )


def _first_head(path: Path, config: Any) -> dict[str, Tensor]:
    head: dict[str, Tensor] = {}
    for file in weight_files(path):
        with safe_open(file, framework="pt") as tensors:
            for name in ("score.weight", "score.bias"):
                if name in tensors.keys():  # noqa: SIM118 - safe_open has no __contains__
                    head[name] = tensors.get_tensor(name).float()
    weight = head.get("score.weight")
    bias = getattr(config, "score_bias", 0.0)  # of a reward model that drpo exported
    if weight is not None and bias:
        head.setdefault("score.bias", torch.tensor([float(bias)]))
    if weight is not None and weight.shape[0] != 1:
        raise ValueError(f"{path}: its classifier has {weight.shape[0]} labels; a scalar head needs one")
    return head


def _context_tokens(config: Any) -> int:
    """A sliding window is not implemented, so rows must fit into it."""
    tokens: int = config.max_position_embeddings
    window: int | None = getattr(config, "sliding_window", None)
    uses_window = "sliding_attention" in (getattr(config, "layer_types", None) or []) or config.model_type == "mistral"
    return min(tokens, window) if window is not None and uses_window else tokens
