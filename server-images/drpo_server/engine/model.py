"""One model of a run: its own weights over a shared frozen base, its gradients and its optimiser's moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from drpo_server.engine.adamw import AdamWState
from drpo_server.engine.base import Base
from drpo_server.engine.lora import BlockAdapters, LoraPair, peft_keys, random_a
from drpo_server.engine.network import Network
from drpo_server.engine.scope import Scope
from drpo_server.engine.types import Head, LoraShape
from drpo_server.engine.weights_hash import hash_weights
from drpo_server.engine.whole_tensors import like, whole

_SCORE_WEIGHT, _SCORE_BIAS = "score.weight", "score.bias"

T = TypeVar("T")


class ScoreHead(nn.Module):
    """Weights of a scalar head."""

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter) -> None:
        """weight [1, hidden], bias [1]."""
        super().__init__()
        self.weight = weight
        self.bias = bias


@dataclass(frozen=True)
class TensorSpec:
    """What a tensor is, without its content."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Model:
    """LoRA updates over a resident base, or a full copy of it, under a language-model or a scalar head.

    Made by Engine.create_model. `optimizer_step` counts the steps taken since the model was first created; a restore
    sets it.
    """

    def __init__(
        self, *, name: str, base: Base, lora: LoraShape | None, head: Head, trainable: bool, seed: int = 0
    ) -> None:
        self.name = name
        self.base = base
        self.lora = lora
        self.head = head
        self.trainable = trainable
        self.optimizer_step = 0
        self.network: Network = base.network if lora is not None else base.full_network()
        self.first_block = 0
        """The first block with weights of this model's own."""
        self._adapters: dict[int, BlockAdapters] = {}
        self._score: ScoreHead | None = None
        self._scope: Scope | None = None
        if lora is not None:
            self._add_lora(lora, seed)
        if head is Head.SCALAR:
            self._score = self._first_score()
        elif self.network.output_weight() is None:
            raise ValueError(f"{base.path}: a sequence classifier's folder has no language-model head")
        for parameter in self._own_parameters().values():
            parameter.requires_grad_(trainable)
        self._shard()
        self._parameters = self._own_parameters()
        self.gradients: dict[str, Tensor] = {}
        """Accumulated since the last optimiser step, by name."""
        self.adamw = AdamWState()
        self._hash: str | None = None

    @property
    def trainable_weights(self) -> int:
        """Number of weights that training would change (those of state()), whether or not the model is trainable."""
        return sum(parameter.numel() for parameter in self._parameters.values())

    def named_parameters(self) -> Mapping[str, nn.Parameter]:
        """The model's own weights by the names of state(), as they are, not copied."""
        return self._parameters

    @contextmanager
    def active(self) -> Iterator[None]:
        """The network computes as this model until the block ends."""
        with self.network.switch.around(self._adapters):
            yield

    def within(self, work: Callable[[], T]) -> T:
        """Does work that uses the model's weights and the network's; its tensors are in lists, tuples or dicts."""
        scope = self._scope
        return self.network.within(work if scope is None else lambda: scope.within(work))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within the model: all of its weights are on every device until the block ends, so that no process waits for
        another."""
        scopes = [scope for scope in (self.network.scope, self._scope) if scope is not None]
        if not scopes:
            yield
            return
        from drpo_server.engine.sharding import gathered  # slow to import

        with gathered(*scopes):
            yield

    def score(self, hidden: Tensor) -> Tensor:
        """The scalar head on [states, hidden], after the final norm; [states], float32 or wider."""
        assert self._score is not None
        weight, bias = self._score.weight, self._score.bias
        return hidden.to(weight.dtype) @ weight[0] + bias

    def state(self) -> dict[str, Tensor]:
        """The model's own weights by name, detached copies on the CPU.

        LoRA: PEFT keys (`base_model.model.model.layers.20.self_attn.q_proj.lora_A.weight` [rank, in], `lora_B`
        [out, rank]). Full copy: Hugging Face keys. A scalar head adds `score.weight` [1, hidden] and `score.bias` [1].
        """
        return {name: _cpu_copy(parameter) for name, parameter in self._parameters.items()}

    def spread_state(self) -> dict[str, Tensor]:
        """The weights of state() as they are: sharded, if there are several processes, and not copied."""
        return {name: parameter.detach() for name, parameter in self._parameters.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Replaces the model's own weights by whole tensors, or by ones that are sharded as they are. Accumulated
        gradients and the optimiser's moments are dropped.

        Raises ValueError, changing nothing, if a name is missing or unknown, or a shape differs.
        """
        self._check_state(state)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(like(parameter, state[name]))
        self.gradients = {}
        self.adamw = AdamWState()
        self.weights_changed()

    def copy_weights(self, source: Model, *, reset_head: bool) -> None:
        """Takes the weights of a model of the same base and shape. A scalar head is copied if both have one; with
        reset_head it is zero. Raises ValueError if base or shape differ."""
        if source.base is not self.base or source.lora != self.lora:
            raise ValueError(f"model {self.name!r} cannot copy {source.name!r}: base or shape differ")
        state = {**self.state(), **{k: v for k, v in source.state().items() if k in self._parameters}}
        if reset_head and self.head is Head.SCALAR:
            state[_SCORE_WEIGHT] = torch.zeros_like(state[_SCORE_WEIGHT])
            state[_SCORE_BIAS] = torch.zeros_like(state[_SCORE_BIAS])
        self.load_state(state)

    def optimizer_state(self) -> dict[str, Tensor]:
        """AdamW moments by name: `<weight name>.exp_avg`, `.exp_avg_sq` (like the weight) and `.step` (scalar), copies
        on the CPU. Empty before the first step and for a frozen model."""
        return self.adamw.export(self._parameters)

    def spread_optimizer_state(self) -> dict[str, Tensor]:
        """The moments of optimizer_state() as they are: sharded, if there are several processes, and not copied."""
        return self.adamw.tensors(self._parameters)

    def load_optimizer_state(self, state: Mapping[str, Tensor]) -> None:
        """Replaces the moments (empty: a fresh optimiser). Raises ValueError on a name or shape that does not fit, or
        if the model is frozen."""
        if state and not self.trainable:
            raise ValueError(f"model {self.name!r} is frozen: it has no optimiser state")
        self.adamw = AdamWState.restored(self._parameters, state)

    def weights_hash(self) -> str:
        """SHA-256 (hexadecimal) over the sorted names and bytes of state(); cached until the weights change."""
        if self._hash is None:
            self._hash = hash_weights(self._parameters)
        return self._hash

    def weights_changed(self) -> None:
        """Called after the weights were changed in place."""
        self._hash = None

    def merged_state(self) -> dict[str, Tensor]:
        """The base with the updates added in, by Hugging Face keys, on the CPU; a scalar head as `score.weight`
        (and `score.bias`, unless it is 0, as Hugging Face's classifiers have none) in place of the output head."""
        merged = {name: _cpu_copy(weight) for name, weight in self.merged_tensors()}
        if self.head is Head.SCALAR:
            merged[_SCORE_WEIGHT] = _cpu_copy(self._parameters[_SCORE_WEIGHT])
            bias = _cpu_copy(self._parameters[_SCORE_BIAS])
            if bias.any():
                merged[_SCORE_BIAS] = bias
        return merged

    def merged_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """What merged_state has of the network, one after the other, on its device. Weights that are spread over
        processes are gathered: every process must go through all of them."""
        pairs = {name: pair for adapters in self._adapters.values() for name, pair in adapters.pairs.items()}
        for name, saved_name, parameter in self._merged_parameters():
            weight = whole(parameter).detach()
            pair = pairs.get(name.removesuffix(".weight"))
            if pair is not None:
                weight = (weight.to(pair.a.dtype) + pair.delta()).to(weight.dtype)
            yield saved_name, weight

    def merged_specs(self) -> list[TensorSpec]:
        """Names, types and shapes of merged_tensors(), in that order; nothing is gathered."""
        return [TensorSpec(name, p.dtype, tuple(p.shape)) for _, name, p in self._merged_parameters()]

    def _merged_parameters(self) -> Iterator[tuple[str, str, nn.Parameter]]:
        """Parameters of the network with their own and their Hugging Face names."""
        for name, parameter in self.network.module.named_parameters():
            head, _, rest = name.partition(".")
            if head != "lm_head":
                yield name, name, parameter
            elif self.head is not Head.SCALAR:
                yield name, f"{self.network.family.saved_output_head}.{rest}", parameter

    def peft_config(self) -> dict[str, object]:
        """What adapter_config.json says of this adapter, for PEFT. Raises ValueError for a full copy."""
        if self.lora is None:
            raise ValueError(f"model {self.name!r} is a full copy of its base, not an adapter")
        scalar = self.head is Head.SCALAR
        return {
            "peft_type": "LORA",
            "task_type": "SEQ_CLS" if scalar else "CAUSAL_LM",
            "base_model_name_or_path": str(self.base.path),
            "r": self.lora.rank,
            "lora_alpha": self.lora.alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "target_modules": sorted(self.lora.target_modules or set(self.base.linear_names())),
            "layers_to_transform": list(range(self.first_block, self.base.n_blocks)),
            "layers_pattern": "layers",
            "modules_to_save": ["score"] if scalar else None,
            "inference_mode": True,
        }

    def _add_lora(self, lora: LoraShape, seed: int) -> None:
        known = self.base.linear_names()
        targets = lora.target_modules or known
        unknown = set(targets) - set(known)
        if unknown:
            raise ValueError(f"target_modules {sorted(unknown)} are not linear layers of a block; known: {list(known)}")
        if not 0 <= lora.last_blocks <= self.base.n_blocks:
            raise ValueError(f"last_blocks is {lora.last_blocks}; the base has {self.base.n_blocks} blocks")
        if lora.rank < 1:
            raise ValueError(f"rank is {lora.rank}; it must be at least 1")
        self.first_block = self.base.n_blocks - (lora.last_blocks or self.base.n_blocks)
        generator = torch.Generator().manual_seed(seed & ((1 << 63) - 1))
        for block in range(self.first_block, self.base.n_blocks):
            for name, layer in self.base.linears(block, tuple(targets)).items():
                dtype = torch.promote_types(layer.weight.dtype, torch.float32)
                device = layer.weight.device
                a = random_a(lora.rank, layer.in_features, generator).to(device, dtype)
                b = torch.zeros(layer.out_features, lora.rank, device=device, dtype=dtype)
                pair = LoraPair(nn.Parameter(a), nn.Parameter(b), lora.alpha / lora.rank)
                self._adapters.setdefault(block, BlockAdapters(self.network.switch)).add(name, pair)

    def _first_score(self) -> ScoreHead:
        some = next(self.network.module.parameters())
        dtype = torch.promote_types(some.dtype, torch.float32)
        weight = self.base.first_head.get(_SCORE_WEIGHT, torch.zeros(1, self.base.hidden_size))
        bias = self.base.first_head.get(_SCORE_BIAS, torch.zeros(1))
        return ScoreHead(
            nn.Parameter(weight.to(some.device, dtype, copy=True)), nn.Parameter(bias.to(some.device, dtype, copy=True))
        )

    def _own_parameters(self) -> dict[str, nn.Parameter]:
        """By the names of state()."""
        own: dict[str, nn.Parameter] = {}
        for adapters in self._adapters.values():
            for name, pair in adapters.pairs.items():
                own |= zip(peft_keys(name), (pair.a, pair.b), strict=True)
        if self.lora is None:
            named = self.network.module.named_parameters()
            scalar = self.head is Head.SCALAR
            own |= {name: p for name, p in named if not scalar or not name.startswith("lm_head.")}
        if self._score is not None:
            own |= {_SCORE_WEIGHT: self._score.weight, _SCORE_BIAS: self._score.bias}
        return own

    def _shard(self) -> None:
        """Spreads the model's own weights over the group, if it has more than one process."""
        group = self.base.group
        if self.lora is None:
            self.network.shard(group)
        if group.size == 1 or (self.lora is None and self._score is None):
            return
        from drpo_server.engine.sharding import shard  # slow to import

        adapters = list(self._adapters.values())
        self._scope = Scope(*adapters, *([] if self._score is None else [self._score]))
        dtype = self.network.dtype
        shard(self._scope, adapters, group, dtype=dtype, scope_dtype=torch.promote_types(dtype, torch.float32))

    def _check_state(self, state: Mapping[str, Tensor]) -> None:
        missing, unknown = self._parameters.keys() - state.keys(), state.keys() - self._parameters.keys()
        if missing or unknown:
            raise ValueError(f"model {self.name!r}: missing weights {_few(missing)}, unknown weights {_few(unknown)}")
        for name, parameter in self._parameters.items():
            if state[name].shape != parameter.shape:
                shapes = f"{list(state[name].shape)}, expected {list(parameter.shape)}"
                raise ValueError(f"model {self.name!r}: {name} has shape {shapes}")


def _cpu_copy(tensor: Tensor) -> Tensor:
    return whole(tensor.detach()).to("cpu", copy=True).contiguous()


def _few(names: set[str]) -> list[str]:
    return sorted(names)[:3] + (["..."] if len(names) > 3 else [])
