"""Models as a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from drpo_server.bases import Bases
from drpo_server.checkpoints import Checkpoint, SavedModel, load_tensors
from drpo_server.engine.base import Base
from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import OnProgress
from drpo_server.errors import DataLoss, InvalidArgument, NotFound, engine_refusals


@dataclass(frozen=True)
class Wanted:
    """A model of a checkpoint, and what it becomes."""

    saved_name: str
    name: str
    trainable: bool


def wanted_models(checkpoint: Checkpoint, wanted: list[Wanted]) -> list[tuple[SavedModel, Wanted]]:
    """What to restore, in order; an empty list means all, as they were. Raises NotFound for one that was not saved."""
    if not wanted:
        return [(saved, Wanted(saved.name, saved.name, saved.trainable)) for saved in checkpoint.models]
    saved_by_name = {saved.name: saved for saved in checkpoint.models}
    for item in wanted:
        if item.saved_name not in saved_by_name:
            raise NotFound(
                f"{checkpoint.uri} holds no model {item.saved_name!r}: it has {', '.join(sorted(saved_by_name))}"
            )
    return [(saved_by_name[item.saved_name], item) for item in wanted]


def restore_models(
    checkpoint: Checkpoint, wanted: list[Wanted], *, base: str, engine: Engine, bases: Bases, on_progress: OnProgress
) -> dict[str, Model]:
    """The models, by their new names; nothing that exists is changed. on_progress gets (bytes read, bytes in all).

    base: folder of the base that they were trained on, where it is now; "": where it was, or one that is resident.

    Raises NotFound for a model or base that is not there, InvalidArgument for a base with other weights, DataLoss for a
    damaged file, or for weights or moments that are not finite.
    """
    chosen = wanted_models(checkpoint, wanted)
    total = sum(
        file.bytes
        for saved, item in chosen
        for name in _files(saved, item)
        for file in checkpoint.files_of(name).values()
    )
    read = 0

    def on_bytes(size: int) -> None:
        nonlocal read
        read += size
        on_progress(read, total)

    models: dict[str, Model] = {}
    for saved, item in chosen:
        found = _find_base(checkpoint, saved, base, bases)
        models[item.name] = _restore(checkpoint, saved, item, found, engine, on_bytes)
    return models


def _files(saved: SavedModel, item: Wanted) -> list[str]:
    moments = [saved.optimizer_file] if item.trainable and saved.optimizer_file is not None else []
    return [saved.weights_file, *moments]


def _find_base(checkpoint: Checkpoint, saved: SavedModel, folder: str, bases: Bases) -> Base:
    where = f"{checkpoint.uri}, model {saved.name!r}"
    if folder:
        return bases.in_folder(folder, saved.base_hash, where)
    return bases.with_hash(saved.base, saved.base_hash, where)


def _restore(
    checkpoint: Checkpoint,
    saved: SavedModel,
    item: Wanted,
    base: Base,
    engine: Engine,
    on_bytes: Callable[[int], None],
) -> Model:
    where = f"{checkpoint.uri}, model {saved.name!r}"
    with engine_refusals(where):
        model = engine.create_model(
            name=item.name, base=base, lora=saved.lora, head=saved.head, trainable=item.trainable
        )
        weights_file, *moments_files = _files(saved, item)
        model.load_state(_load(checkpoint, weights_file, on_bytes, model))
        for moments_file in moments_files:
            model.load_optimizer_state(_load(checkpoint, moments_file, on_bytes, model))
        model.optimizer_step = saved.optimizer_step
    if model.weights_hash() != saved.weights_hash:
        raise InvalidArgument(
            f"{where} was saved with weights of another type than this server's: start it with the --dtype of then"
        )
    try:
        engine.refuse_not_finite(model)
    except FloatingPointError as error:
        raise DataLoss(
            f"{where}: {error}. A step with too large a learning rate, or too small an epsilon, was saved by a version "
            "that did not check it: take an earlier checkpoint"
        ) from error
    return model


def _load(checkpoint: Checkpoint, name: str, on_bytes: Callable[[int], None], model: Model) -> dict[str, Tensor]:
    """Weights or moments. Of a sharded checkpoint each process reads its own part of them."""
    parameters = model.named_parameters()

    def place(key: str, shape: torch.Size) -> Tensor:
        weight = parameters.get(key, parameters.get(key.rpartition(".")[0]))
        return torch.empty_like(weight.detach()) if weight is not None and weight.shape == shape else torch.empty(shape)

    return load_tensors(checkpoint, name, on_bytes, place)
