"""A weight transfer engine of vLLM's, in its workers: weights come from safetensors files, or are broadcast.

Files: a base's, or a full model's; with an adapter beside them, its updates are added in as they are read. Broadcast:
the trainer is rank 0 of a group of torch.distributed (drpo_server.weight_broadcast); the first worker of a sampler is a
member and passes on to the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from vllm.distributed.parallel_state import get_world_group
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from drpo_server.engine.lora import peft_keys
from drpo_server.sampling.vllm.backend import BACKEND
from drpo_server.weight_broadcast import BroadcastGroup, Members


@dataclass
class GroupInfo(WeightTransferInitInfo):  # type: ignore[misc]  # vLLM is not installed where types are checked
    """Which group to join; empty: none, as for files."""

    master_address: str = ""
    master_port: int = 0
    world_size: int = 0
    rank: int = 0


@dataclass
class UpdateInfo(WeightTransferUpdateInfo):  # type: ignore[misc]
    """Where weights come from: files, or (names, dtypes, shapes of) a broadcast."""

    files: list[str] = field(default_factory=list)
    adapter: str = ""
    """A safetensors file with PEFT's keys, merged into what `files` hold; empty: none."""
    adapter_scale: float = 0.0
    """alpha / rank."""
    broadcast: list[dict[str, Any]] = field(default_factory=list)


class WeightTransfer(WeightTransferEngine):  # type: ignore[misc]
    """One in each worker."""

    init_info_cls = GroupInfo
    update_info_cls = UpdateInfo
    _group: BroadcastGroup | None = None

    def init_transfer_engine(self, init_info: GroupInfo) -> None:
        """Joins the trainer's group; waits until all members are there."""
        self.shutdown()
        if init_info.world_size > 0 and get_world_group().rank_in_group == 0:
            members = Members(init_info.master_address, init_info.master_port, init_info.world_size)
            self._group = BroadcastGroup(members, init_info.rank, self.device)

    def start_weight_update(self) -> None:
        initialize_layerwise_reload(self.model)

    def update_weights(self, update_info: dict[str, Any]) -> None:
        """As the base class does, but it works without an accelerator."""
        self.receive_weights(self.parse_update_info(update_info))
        if self.device.type != "cpu":
            torch.accelerator.synchronize()

    def receive_weights(self, update_info: UpdateInfo) -> None:
        if update_info.broadcast:
            self.model.load_weights(self._receive(update_info.broadcast))
        elif update_info.adapter:
            self.model.load_weights(
                _merge(update_info.files, load_file(update_info.adapter), update_info.adapter_scale)
            )
        else:
            self.model.load_weights(_read(update_info.files))

    def finish_weight_update(self) -> None:
        finalize_layerwise_reload(self.model, self.model_config)
        self._lay_out_tied_heads()

    def shutdown(self) -> None:
        """Leaves the group."""
        if self._group is not None:
            self._group.close()
            self._group = None

    def _receive(self, specs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Tensor]]:
        workers = get_world_group()
        for spec in specs:
            tensor = torch.empty(spec["shape"], dtype=getattr(torch, spec["dtype"]), device=self.device)
            if self._group is not None:
                self._group.broadcast(tensor)
            yield spec["name"], workers.broadcast(tensor, src=0)

    def _lay_out_tied_heads(self) -> None:
        """An output head that is the embedding has no weights of its own, so a reload skips it; but on CPUs vLLM
        multiplies with a copy in another layout, which must be made again."""
        if self.device.type != "cpu":
            return
        for layer in self.model.modules():
            if isinstance(layer, ParallelLMHead) and not layer.weight.is_meta:
                layer.quant_method.process_weights_after_loading(layer)


def register() -> None:
    """Makes the engine known to vLLM by the name BACKEND. Called once in a process."""
    WeightTransferEngineFactory.register_engine(BACKEND, WeightTransfer)


def _read(files: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - safe_open has no __iter__
                yield name, tensors.get_tensor(name)


def _merge(files: Sequence[str], adapter: Mapping[str, Tensor], scale: float) -> Iterator[tuple[str, Tensor]]:
    """The files' weights with the adapter's updates added in, W + scale * B A, in the type of W."""
    used = 0
    for name, weight in _read(files):
        key_a, key_b = peft_keys(name.removesuffix(".weight"))
        if key_a in adapter:
            used += 2
            a, b = adapter[key_a], adapter[key_b]
            weight = (weight.to(a.dtype) + (b @ a).mul_(scale)).to(weight.dtype)
        yield name, weight
    if used != len(adapter):
        raise ValueError(f"the base has only {used // 2} of the {len(adapter) // 2} layers that the adapter changes")
