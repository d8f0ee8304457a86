"""One model of a run: its own weights over a shared frozen base, its gradients and its optimiser's moments."""

from __future__ import annotations

from torch import Tensor

from drpo_server.engine.base import Base
from drpo_server.engine.types import Head, LoraShape


class Model:
    """LoRA updates over a resident base, or a full copy of it, under a language-model or a scalar head.

    Made by Engine.create_model. `optimizer_step` counts the steps taken since the model was first created; a restore
    sets it.
    """

    name: str
    base: Base
    lora: LoraShape | None
    head: Head
    trainable: bool
    optimizer_step: int

    @property
    def trainable_weights(self) -> int:
        """Number of weights that training would change (those of state()), whether or not the model is trainable."""
        raise NotImplementedError

    def state(self) -> dict[str, Tensor]:
        """The model's own weights by name, detached copies on the CPU.

        LoRA: PEFT keys (`base_model.model.model.layers.20.self_attn.q_proj.lora_A.weight` [rank, in], `lora_B`
        [out, rank]). Full copy: Hugging Face keys. A scalar head adds `score.weight` [1, hidden] and `score.bias` [1].
        """
        raise NotImplementedError

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Replaces the model's own weights. Accumulated gradients and the optimiser's moments are dropped.

        Raises ValueError, changing nothing, if a name is missing or unknown, or a shape differs.
        """
        raise NotImplementedError

    def optimizer_state(self) -> dict[str, Tensor]:
        """AdamW moments by name: `<weight name>.exp_avg`, `.exp_avg_sq` (like the weight) and `.step` (scalar), copies
        on the CPU. Empty before the first step and for a frozen model."""
        raise NotImplementedError

    def load_optimizer_state(self, state: dict[str, Tensor]) -> None:
        """Replaces the moments (empty: a fresh optimiser). Raises ValueError on a name or shape that does not fit, or
        if the model is frozen."""
        raise NotImplementedError

    def weights_hash(self) -> str:
        """SHA-256 (hexadecimal) over the sorted names and bytes of state(); cached until the weights change."""
        raise NotImplementedError

    def merged_state(self) -> dict[str, Tensor]:
        """The base with the updates added in, by Hugging Face keys, on the CPU; a scalar head as `score.weight`
        (and `score.bias`) in place of the output head."""
        raise NotImplementedError

    def peft_config(self) -> dict[str, object]:
        """What adapter_config.json says of this adapter, for PEFT. Raises ValueError for a full copy."""
        raise NotImplementedError
