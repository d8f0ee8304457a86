"""The blocks below every adapter of a call: computed once, without gradients, for all its models, and kept for later
calls on a kept batch."""

from __future__ import annotations

import torch
from torch import Tensor

from drpo_server.engine.micro_batches import MicroBatch
from drpo_server.engine.network import Network


class TrunkStates:
    """Hidden states of a batch's tokens at the depths that calls have asked for, on one network."""

    def __init__(self, flat_tokens: int) -> None:
        self._flat_tokens = flat_tokens
        self._states: dict[int, list[Tensor]] = {}
        self._stored: dict[int, int] = {}
        self._place: dict[int, Tensor] = {}

    def copy(self) -> TrunkStates:
        """What is known now; the states themselves are shared."""
        copied = TrunkStates(self._flat_tokens)
        copied._states = {depth: list(states) for depth, states in self._states.items()}
        copied._stored = dict(self._stored)
        copied._place = {depth: place.clone() for depth, place in self._place.items()}
        return copied

    def deepest(self, micro_batch: MicroBatch, depth: int) -> tuple[int, Tensor] | None:
        """States [packed tokens, hidden] at the deepest depth, up to this one, that is known for all tokens."""
        for known in sorted((d for d in self._states if d <= depth), reverse=True):
            place = self._place[known][micro_batch.flat]
            if bool((place >= 0).all()):
                if len(self._states[known]) > 1:
                    self._states[known] = [torch.cat(self._states[known])]
                return known, self._states[known][0][place.to(self._states[known][0].device)]
        return None

    def add(self, micro_batch: MicroBatch, depth: int, states: Tensor) -> None:
        """Keeps the states [packed tokens, hidden] after `depth` blocks, for every row here."""
        if depth not in self._states:
            self._states[depth], self._stored[depth] = [], 0
            self._place[depth] = torch.full((self._flat_tokens,), -1)
        self._states[depth].append(states)
        first = self._stored[depth]
        self._stored[depth] += states.shape[0]
        here = micro_batch.packed_of_flat >= 0
        self._place[depth][here] = first + micro_batch.packed_of_flat[here]


@torch.no_grad()
def trunk(network: Network, micro_batch: MicroBatch, depth: int, kept: TrunkStates | None) -> Tensor:
    """Hidden states [packed tokens, hidden] after the first `depth` blocks, which no active adapter touches."""
    known = kept.deepest(micro_batch, depth) if kept is not None else None
    start, hidden = known if known is not None else (0, network.embed(micro_batch.token_ids))
    if start == depth:
        return hidden
    hidden = network.run_blocks(hidden, start, depth, micro_batch.positions, micro_batch.attention)
    if kept is not None:
        kept.add(micro_batch, depth, hidden)
    return hidden
