"""Draws vLLM's tokens by the seed of a rollout and the position of a token, as the PyTorch sampler does.

vLLM's own seeds start a random stream for each request, which a restart or a cut prefix would begin anew. Here a logits
processor draws, and leaves nothing else to choose: all logits become -inf but the drawn token's, which becomes its
log-probability at the temperature, before top_p and top_k. vLLM is asked for greedy tokens and `processed_logits`, so
it answers that token and that number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from drpo_server.engine.types import SamplingParams
from drpo_server.sampling.draw import draw
from drpo_server.sampling.noise import uniform
from drpo_server.sampling.vllm.token_request import TokenRequest, read_token_request

if TYPE_CHECKING:
    from vllm.config import VllmConfig


@dataclass(frozen=True)
class _Row:
    """A request in vLLM's batch."""

    request: TokenRequest
    written: Sequence[int]
    """Its tokens so far: vLLM's own list, which grows."""

    @property
    def noise(self) -> float:
        return uniform(self.request.seed, self.request.first_position + len(self.written))

    @property
    def given(self) -> int:
        # vLLM may compute one position past the end and drop it.
        return self.request.given[min(len(self.written), len(self.request.given) - 1)]

    @property
    def params(self) -> SamplingParams:
        return SamplingParams(self.request.temperature, self.request.top_p, self.request.top_k)


class PositionalNoise(LogitsProcessor):  # type: ignore[misc]  # vLLM is not installed where types are checked
    """Chooses every token of the batch. One object in each worker."""

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:  # noqa: ARG002
        self._rows: dict[int, _Row] = {}

    def is_argmax_invariant(self) -> bool:
        """False: it is then called before vLLM looks at temperatures."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follows requests as vLLM adds, drops and moves them, in the order that its interface asks for."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self._rows.pop(index, None)
        for index, params, _, written in batch_update.added:
            request = read_token_request(params.extra_args)
            if request is not None:
                self._rows[index] = _Row(request, written)
            else:
                self._rows.pop(index, None)
        for first, second, direction in batch_update.moved:
            moved, replaced = self._rows.pop(first, None), self._rows.pop(second, None)
            if moved is not None:
                self._rows[second] = moved
            if replaced is not None and direction is MoveDirectionality.SWAP:
                self._rows[first] = replaced

    def apply(self, logits: Tensor) -> Tensor:
        """[requests, vocabulary] float32 in; the same shape out."""
        rows = {index: self._rows[index] for index in range(len(logits)) if index in self._rows}
        drawn: dict[SamplingParams, list[int]] = {}
        given: dict[float, list[int]] = {}
        for index, row in rows.items():
            if row.request.given:
                given.setdefault(row.request.temperature, []).append(index)
            else:
                drawn.setdefault(row.params, []).append(index)
        chosen = logits.clone()
        for params, indices in drawn.items():
            uniforms = torch.tensor([rows[index].noise for index in indices], dtype=torch.float64)
            tokens, logprobs = draw(logits[indices], uniforms.to(logits.device), params)
            _leave_only(chosen, indices, tokens, logprobs)
        for temperature, indices in given.items():
            tokens = torch.tensor([rows[index].given for index in indices], device=logits.device)
            logprobs = (logits[indices] / temperature).log_softmax(1).gather(1, tokens[:, None]).squeeze(1)
            _leave_only(chosen, indices, tokens, logprobs)
        return chosen


def _leave_only(logits: Tensor, rows: list[int], tokens: Tensor, values: Tensor) -> None:
    """In these rows of logits, in place: -inf, and the value at the token."""
    at: Any = torch.tensor(rows, device=logits.device)
    logits[at] = float("-inf")
    logits[at, tokens] = values.to(logits.dtype)
