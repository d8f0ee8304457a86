"""AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101) whose state is kept, exported and restored by weight name."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from drpo_server.engine.finite import first_beyond, magnitude_bounds
from drpo_server.engine.group import Group
from drpo_server.engine.types import AdamW
from drpo_server.engine.whole_tensors import like, own_part, whole

_MOMENTS = ("exp_avg", "exp_avg_sq")

_ROUNDING = 4.0
"""The bound on a step is computed without the step's rounding: it must be this much below the limit."""


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

    def check_step(
        self,
        parameters: Mapping[str, nn.Parameter],
        gradients: Mapping[str, Tensor],
        adamw: AdamW,
        max_gradient_norm: float,
        group: Group,
    ) -> Tensor:
        """The global L2 norm of the gradients before clipping. Changes nothing.

        Raises FloatingPointError, naming a tensor, if that norm is not finite, or if `step` would make a moment
        infinite or NaN, or a weight so large that its square is.
        """
        norm = whole(get_total_norm(list(gradients.values())))
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient norm is {norm.item()}")
        names = [name for name in parameters if name in gradients]
        if self._is_bounded({name: parameters[name] for name in names}, adamw, max_gradient_norm, float(norm), group):
            return norm
        scale = min(1.0, max_gradient_norm / (float(norm) + 1e-6)) if max_gradient_norm > 0 else 1.0
        beyond = {
            name: self._beyond_after_step(name, parameters[name], gradients[name], adamw, scale) for name in names
        }
        bad = first_beyond(beyond, 1.0, group)
        if bad is not None:
            raise FloatingPointError(
                f"a step of learning rate {adamw.learning_rate:g}, epsilon {adamw.epsilon:g} and weight decay "
                f"{adamw.weight_decay:g} would make {bad} or its moments overflow"
            )
        return norm

    def _is_bounded(
        self,
        parameters: Mapping[str, nn.Parameter],
        adamw: AdamW,
        max_gradient_norm: float,
        norm: float,
        group: Group,
    ) -> bool:
        """Whether bounds of weights, moments and gradients show that no number can overflow, whichever belong together.

        It reads each tensor once. Settings that make sense are always bounded, so that the step need not be tried.
        """
        moments = [self._moments[name] for name in parameters if name in self._moments]
        weight, first, second = magnitude_bounds(
            parameters.values(),
            [moment["exp_avg"] for moment in moments],
            [moment["exp_avg_sq"] for moment in moments],
            group=group,
        )
        limit = min(_largest_weight(parameter.dtype) for parameter in parameters.values()) / _ROUNDING
        smallest = max(torch.finfo(parameter.dtype).tiny for parameter in parameters.values())
        gradient = min(norm, max_gradient_norm) if max_gradient_norm > 0 else norm
        rate, decay = _scalars(adamw, min([float(moment["step"]) for moment in moments], default=0.0) + 1)
        if len(moments) < len(parameters):
            rate = max(rate, _scalars(adamw, 1)[0])
        first += gradient
        update = first / adamw.epsilon if adamw.epsilon > 0 else math.inf
        reached = (first * first, rate, rate * first, decay, update, weight * decay + rate * update)
        return adamw.epsilon >= smallest and second + gradient * gradient < limit * limit and max(reached) < limit

    def _beyond_after_step(
        self, name: str, parameter: nn.Parameter, gradient: Tensor, adamw: AdamW, scale: float
    ) -> Tensor:
        """1 if the step takes this weight or its moments beyond what they can be, otherwise 0. Tries it on a copy."""
        trial = nn.Parameter(own_part(parameter.detach()).clone())
        if trial.numel() == 0:
            return torch.zeros(())
        moments = {part: own_part(tensor).clone() for part, tensor in self._moments.get(name, {}).items()}
        scalars = _scalars(adamw, float(moments["step"]) + 1 if moments else 1)
        if max(scalars) > torch.finfo(torch.promote_types(trial.dtype, torch.float32)).max:
            return torch.ones(())
        trial.grad = own_part(gradient).to(trial.dtype) * scale
        optimizer = _optimizer([trial], adamw)
        if moments:
            optimizer.state[trial] = moments
        optimizer.step()
        is_fine = trial.detach().abs().max() < _largest_weight(trial.dtype)
        for part in _MOMENTS:
            is_fine &= torch.isfinite(optimizer.state[trial][part]).all()
        return (~is_fine).to("cpu", torch.float32)

    def step(
        self,
        parameters: Mapping[str, nn.Parameter],
        gradients: Mapping[str, Tensor],
        adamw: AdamW,
        max_gradient_norm: float,
        norm: Tensor,
    ) -> None:
        """One step on the weights that have a gradient, which `check_step` allowed. Gradients may be scaled in place.

        norm: what check_step returned.
        """
        stepped = {name: parameters[name] for name in parameters if name in gradients}
        for name, parameter in stepped.items():
            parameter.grad = gradients[name].to(parameter.dtype)
        if max_gradient_norm > 0:
            clip_grads_with_norm_(list(stepped.values()), max_gradient_norm, norm)
        optimizer = _optimizer(list(stepped.values()), adamw)
        for name, parameter in stepped.items():
            if name in self._moments:
                optimizer.state[parameter] = self._moments[name]
        optimizer.step()
        for name, parameter in stepped.items():
            self._moments[name] = {part: optimizer.state[parameter][part] for part in (*_MOMENTS, "step")}
            parameter.grad = None


def _optimizer(parameters: list[nn.Parameter], adamw: AdamW) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        parameters,
        lr=adamw.learning_rate,
        betas=(adamw.beta1, adamw.beta2),
        eps=adamw.epsilon,
        weight_decay=adamw.weight_decay,
    )


def _scalars(adamw: AdamW, step: float) -> tuple[float, float]:
    """What a step multiplies its update and its weights by, in magnitude."""
    return adamw.learning_rate / (1 - adamw.beta1**step), abs(1 - adamw.learning_rate * adamw.weight_decay)


def _largest_weight(dtype: torch.dtype) -> float:
    """The square of a weight must be finite, or neither a gradient nor a norm will be: sqrt of the largest number."""
    return math.sqrt(torch.finfo(dtype).max)
