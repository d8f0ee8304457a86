"""Log-probabilities of chosen tokens under the output head, without ever holding all logits.

The head is the widest matrix of a small model. It runs only on states that are asked for, in chunks of a bounded size.
Where its weights are frozen, the gradient with respect to a state is known as soon as its logits are
(d logp(t) / d h = (W[t] - sum_v p_v W[v]) / temperature), so it is taken in the forward pass, and the backward pass
multiplies no large matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

LOGITS_BYTES = 64 << 20
"""Most bytes of the logits held at once."""


def token_logprobs(hidden: Tensor, weight: Tensor, state: Tensor, target: Tensor, temperature: float) -> Tensor:
    """log softmax(W h / temperature)[target], differentiable in hidden and weight; [pairs], float32 or wider.

    hidden [states, hidden], after the final norm; weight [vocabulary, hidden]; state [pairs] int64, which row of
    hidden, in ascending order; target [pairs] int64, which token.
    """
    logprobs: Tensor = _TokenLogprobs.apply(hidden, weight, state, target, temperature)  # type: ignore[no-untyped-call]
    return logprobs


def entropies(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:
    """Entropy, in nats, of softmax(W h / temperature); [states]. No gradient."""
    with torch.no_grad():
        parts = [torch.empty(0, dtype=_wide(hidden), device=hidden.device)]
        for low, high in _chunks(hidden, weight):
            shifted, exponentials, total = _softmax_parts(hidden[low:high], weight, temperature)
            parts.append(total.log() - shifted.mul_(exponentials).sum(0) / total)
        return torch.cat(parts)


class _TokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, state: Tensor, target: Tensor, temperature: float) -> Tensor:
        logprobs = torch.empty(state.shape, dtype=_wide(hidden), device=hidden.device)
        mean_rows = torch.empty_like(hidden) if hidden.requires_grad else None
        bounds = torch.searchsorted(state, torch.arange(hidden.shape[0] + 1, device=state.device)).tolist()
        for low, high in _chunks(hidden, weight):
            pairs = slice(bounds[low], bounds[high])
            column, row = state[pairs] - low, target[pairs]
            logits = _scaled_logits(hidden[low:high], weight, temperature)
            chosen = logits[row, column]
            top = logits.amax(0)
            exponentials = logits.sub_(top).exp_()
            total = exponentials.sum(0)
            logprobs[pairs] = chosen - (top + total.log())[column]
            if mean_rows is not None:
                expected = exponentials.to(weight.dtype).t() @ weight
                mean_rows[low:high] = expected / total[:, None]
        ctx.save_for_backward(hidden, weight, state, target, mean_rows)
        ctx.temperature = temperature
        return logprobs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        hidden, weight, state, target, mean_rows = ctx.saved_tensors
        gradient = gradients[0] / ctx.temperature
        hidden_gradient = weight_gradient = None
        summed = torch.zeros(hidden.shape[0], dtype=gradient.dtype, device=gradient.device)
        summed.index_add_(0, state, gradient)
        if ctx.needs_input_grad[0]:
            total = torch.zeros(hidden.shape, dtype=gradient.dtype, device=gradient.device)
            total.index_add_(0, state, gradient[:, None] * weight[target])
            hidden_gradient = total.sub_(summed[:, None] * mean_rows).to(hidden.dtype)
        if ctx.needs_input_grad[1]:
            weight_gradient = torch.zeros_like(weight)
            weight_gradient.index_add_(0, target, (gradient[:, None] * hidden[state]).to(weight.dtype))
            for low, high in _chunks(hidden, weight):
                _, exponentials, sums = _softmax_parts(hidden[low:high], weight, ctx.temperature)
                exponentials.mul_(summed[low:high] / sums)
                weight_gradient.sub_(exponentials.to(weight.dtype) @ hidden[low:high].to(weight.dtype))
        return hidden_gradient, weight_gradient, None, None, None


def _scaled_logits(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:
    """W h / temperature, [vocabulary, states]: this way round, a CPU multiplies a few states much faster."""
    logits = (weight.to(hidden.dtype) @ hidden.t()).to(_wide(hidden))
    return logits if temperature == 1 else logits.div_(temperature)


def _softmax_parts(hidden: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Logits less their maximum, their exponentials, and the sum of these; [vocabulary, states] twice, and [states]."""
    logits = _scaled_logits(hidden, weight, temperature)
    shifted = logits.sub_(logits.amax(0))
    exponentials = shifted.exp()
    return shifted, exponentials, exponentials.sum(0)


def _chunks(hidden: Tensor, weight: Tensor) -> Iterator[tuple[int, int]]:
    width = max(1, LOGITS_BYTES // (weight.shape[0] * torch.finfo(_wide(hidden)).bits // 8))
    for low in range(0, hidden.shape[0], width):
        yield low, min(low + width, hidden.shape[0])


def _wide(hidden: Tensor) -> torch.dtype:
    return torch.promote_types(hidden.dtype, torch.float32)
