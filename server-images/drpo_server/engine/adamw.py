"""AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101) whose state is kept, exported and restored by weight name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from drpo_server.engine.types import AdamW
from drpo_server.engine.whole_tensors import like, whole

_MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamWState:
    """The moments of one model's weights; empty until the first step."""

    def __init__(self) -> None:
        self._moments: dict[str, dict[str, Tensor]] = {}

    @classmethod
    def restored(cls, parameters: Mapping[str, nn.Parameter], state: Mapping[str, Tensor]) -> AdamWState:
        """From what `export` returned. Raises ValueError on a name or shape that does not fit the parameters."""
        restored = cls()
        for key, tensor in state.items():
            name, _, part = key.rpartition(".")
            parameter = parameters.get(name)
            if parameter is None or part not in (*_MOMENTS, "step"):
                raise ValueError(f"optimiser state {key!r} belongs to no weight of this model")
            if part in _MOMENTS and tensor.shape != parameter.shape:
                raise ValueError(f"optimiser state {key!r} has shape {list(tensor.shape)}, not {list(parameter.shape)}")
            moved = like(parameter, tensor) if part in _MOMENTS else tensor.to(torch.float32)
            restored._moments.setdefault(name, {})[part] = moved.clone()
        for name, moments in restored._moments.items():
            missing = {*_MOMENTS, "step"} - moments.keys()
            if missing:
                raise ValueError(f"optimiser state of {name!r} lacks {sorted(missing)}")
        return restored

    def export(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """`<name>.exp_avg`, `<name>.exp_avg_sq`, `<name>.step`, copies on the CPU, in the order of the parameters."""
        return {key: whole(tensor).to("cpu", copy=True) for key, tensor in self.tensors(parameters).items()}

    def tensors(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """What `export` copies, itself."""
        return {
            f"{name}.{part}": tensor.detach()
            for name in parameters
            for part, tensor in self._moments.get(name, {}).items()
        }

    def step(
        self,
        parameters: Mapping[str, nn.Parameter],
        gradients: Mapping[str, Tensor],
        adamw: AdamW,
        max_gradient_norm: float,
    ) -> float:
        """One step on the weights that have a gradient. Returns the global L2 norm of the gradients before clipping.

        Raises FloatingPointError, changing nothing, if that norm is not finite. Gradients may be scaled in place.
        """
        norm = whole(get_total_norm(list(gradients.values())))
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient norm is {norm.item()}: weights are left as they were")
        stepped = {name: parameters[name] for name in parameters if name in gradients}
        for name, parameter in stepped.items():
            parameter.grad = gradients[name].to(parameter.dtype)
        if max_gradient_norm > 0:
            clip_grads_with_norm_(list(stepped.values()), max_gradient_norm, norm)
        optimizer = torch.optim.AdamW(
            list(stepped.values()),
            lr=adamw.learning_rate,
            betas=(adamw.beta1, adamw.beta2),
            eps=adamw.epsilon,
            weight_decay=adamw.weight_decay,
        )
        for name, parameter in stepped.items():
            if name in self._moments:
                optimizer.state[parameter] = self._moments[name]
        optimizer.step()
        for name, parameter in stepped.items():
            self._moments[name] = {part: optimizer.state[parameter][part] for part in (*_MOMENTS, "step")}
            parameter.grad = None
        return float(norm)
