"""The blocks below every adapter of a call: computed once, without gradients, for all its models, and kept for later
calls on a kept batch."""

from __future__ import annotations

import torch
from torch import Tensor

from drpo_server.engine.group import ALONE, Group
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

    def known(self, micro_batch: MicroBatch, depth: int) -> bool:
        """Whether the states at this depth are known for all tokens."""
        return depth in self._states and bool((self._place[depth][micro_batch.flat] >= 0).all())

    def at(self, micro_batch: MicroBatch, depth: int) -> Tensor:
        """States [packed tokens, hidden] at a depth that is known."""
        states = self._states[depth]
        if len(states) > 1:
            states[:] = [torch.cat(states)]
        place = self._place[depth][micro_batch.flat]
        return states[0][place.to(states[0].device)]

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
def trunk(
    network: Network, micro_batch: MicroBatch, depth: int, kept: TrunkStates | None, group: Group = ALONE
) -> Tensor:
    """Hidden states [packed tokens, hidden] after the first `depth` blocks, which no active adapter touches."""
    start = _first_unknown(micro_batch, depth, kept, group) if kept is not None else 0
    if kept is None or start == 0 or micro_batch.is_stand_in:
        hidden = network.embed(micro_batch.token_ids)
    else:
        hidden = kept.at(micro_batch, start)
    if start == depth:
        return hidden
    hidden = network.run_blocks(hidden, start, depth, micro_batch.positions, micro_batch.attention)
    if kept is not None and not micro_batch.is_stand_in:
        kept.add(micro_batch, depth, hidden)
    return hidden


def _first_unknown(micro_batch: MicroBatch, depth: int, kept: TrunkStates, group: Group) -> int:
    """How many blocks need not be run: the same in all processes, as they gather the weights of a block together."""
    known = [micro_batch.is_stand_in or kept.known(micro_batch, blocks) for blocks in range(1, depth + 1)]
    agreed = group.least(torch.tensor(known, dtype=torch.uint8)).nonzero()
    return int(agreed[-1]) + 1 if len(agreed) else 0
