"""Draws tokens by the inverse of the cumulative distribution, one uniform number each."""

from __future__ import annotations

import torch
from torch import Tensor

from drpo_server.engine.types import SamplingParams


def draw(logits: Tensor, uniforms: Tensor, params: SamplingParams) -> tuple[Tensor, Tensor]:
    """One token for each row: the first in vocabulary order at which the cumulative probability exceeds the uniform.

    logits [rows, vocabulary]; uniforms [rows] in [0, 1), float64. Returns tokens [rows] int64 and their natural
    log-probabilities [rows], float64, at the temperature, before top_p and top_k.
    """
    scaled = logits.to(torch.promote_types(logits.dtype, torch.float32)).contiguous()
    if params.temperature != 1:
        scaled = scaled / params.temperature
    shifted = scaled - scaled.amax(1, keepdim=True)
    likelihoods = shifted.exp()
    cumulative = likelihoods.cumsum(1, dtype=torch.float64)
    totals = cumulative[:, -1]
    if params.top_p < 1 or params.top_k > 0:
        likelihoods = likelihoods.masked_fill(~_kept(likelihoods, params), 0)
        cumulative = likelihoods.cumsum(1, dtype=torch.float64)
    thresholds = uniforms[:, None] * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, thresholds, right=True).squeeze(1)
    # Rounding of u * total can reach the total: then the last token with any probability is meant.
    last = torch.searchsorted(cumulative, cumulative[:, -1:].contiguous()).squeeze(1)
    tokens = torch.minimum(tokens, last)
    logprobs = shifted.gather(1, tokens[:, None]).squeeze(1).double() - totals.log()
    return tokens, logprobs


def _kept(likelihoods: Tensor, params: SamplingParams) -> Tensor:
    """Tokens that top_k and then top_p leave; bool like likelihoods. Of equally likely ones, lower ids come first."""
    ordered, ids = likelihoods.sort(dim=1, descending=True, stable=True)
    kept = torch.ones_like(ordered, dtype=torch.bool)
    if params.top_k > 0:
        kept[:, params.top_k :] = False
    if params.top_p < 1:
        ordered = ordered.masked_fill(~kept, 0).double()
        before = ordered.cumsum(1) - ordered
        kept &= before < params.top_p * ordered.sum(1, keepdim=True)
    return torch.zeros_like(kept).scatter_(1, ids, kept)
