"""Root mean square normalisation in two passes over memory instead of Hugging Face's six, and exact in float64."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich 2019, arXiv 1910.07467), over the last dimension."""

    def __init__(self, weight: nn.Parameter, epsilon: float) -> None:
        super().__init__()
        self.weight = weight
        self.epsilon = epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        wide = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        normed: Tensor = _RmsNorm.apply(wide, self.weight, self.epsilon)  # type: ignore[no-untyped-call]
        return normed.to(hidden.dtype)


def install_rms_norm(module: nn.Module) -> None:
    """Puts RmsNorm in the place of every RMSNorm of a Hugging Face model; weights and their names stay."""
    for path, child in list(module.named_modules()):
        if type(child).__name__.endswith("RMSNorm"):
            weight, epsilon = child.get_parameter("weight"), float(child.variance_epsilon)
            parent, _, attribute = path.rpartition(".")
            setattr(module.get_submodule(parent), attribute, RmsNorm(weight, epsilon))


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        scale = mean_square.add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, scale, weight)
        normed: Tensor = (x * scale).mul_(weight)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (gradient,) = gradients
        x, scale, weight = ctx.saved_tensors
        x_gradient = weight_gradient = None
        if ctx.needs_input_grad[0]:
            weighted = gradient * weight
            share = torch.linalg.vecdot(weighted, x).unsqueeze(-1).mul_(scale.square()).div_(x.shape[-1])
            x_gradient = weighted.addcmul_(x, share, value=-1).mul_(scale)
        if ctx.needs_input_grad[1]:
            weight_gradient = (gradient * x).mul_(scale).flatten(0, -2).sum(0).to(weight.dtype)
        return x_gradient, weight_gradient, None
