"""Named tensors spread over processes, as a folder with a safetensors file of each process: what
torch.distributed.checkpoint writes in Hugging Face's layout. Any number of processes reads them again, whole or spread.

Each process plans for itself (`no_dist`): together they would plan by pickled messages, and what a file holds of which
tensor is in the file's own header.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drpo_server.engine.group import Group
from drpo_server.engine.whole_tensors import is_sharded


def write_shard(folder: Path, tensors: Mapping[str, Tensor], group: Group) -> Path | None:
    """Writes this process's part of the tensors below the folder, which is there. Returns its file, or None if it has
    nothing to write. Tensors that are not spread are written by process 0."""
    # Slow to import, which one process seldom needs.
    from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.metadata import Metadata
    from torch.distributed.checkpoint.planner import SavePlan
    from torch.distributed.checkpoint.state_dict_saver import save

    class OwnPartPlanner(DefaultSavePlanner):
        """Does not expect the plan of one process to cover whole tensors."""

        def create_global_plan(self, all_plans: list[SavePlan]) -> tuple[list[SavePlan], Metadata]:
            return all_plans, Metadata(state_dict_metadata={})

    class OwnPartWriter(HuggingFaceStorageWriter):
        """Names the file after the process."""

        def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
            return [dataclasses.replace(plan, storage_data={"shard_index": group.rank + 1}) for plan in plans]

    own: dict[str, Any] = {name: tensor for name, tensor in tensors.items() if _is_written_here(tensor, group)}
    if not own:
        return None
    writer = OwnPartWriter(str(folder), save_distributed=True)
    save(own, storage_writer=writer, planner=OwnPartPlanner(), no_dist=True)
    [file] = folder.glob(f"shard-{group.rank + 1:05d}-*.safetensors")
    return file


def read_tensors(folder: Path, place: Callable[[str, torch.Size], Tensor]) -> dict[str, Tensor]:
    """All tensors of a folder, each read into what `place` gives for its name and shape: a plain tensor, or a sharded
    one, of which only this process's part is read. Raises ValueError, as `place` may, for a name that does not fit."""
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    reader: Any = HuggingFaceStorageReader(str(folder))
    saved = reader.read_metadata().state_dict_metadata
    tensors: dict[str, Any] = {name: place(name, entry.size) for name, entry in saved.items()}
    load(tensors, storage_reader=HuggingFaceStorageReader(str(folder)), no_dist=True)
    return tensors


def _is_written_here(tensor: Tensor, group: Group) -> bool:
    if not is_sharded(tensor):
        return group.rank == 0
    spread: Any = tensor
    local: Tensor = spread.to_local()
    return local.numel() > 0
