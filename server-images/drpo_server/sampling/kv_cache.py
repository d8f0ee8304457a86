"""Keys and values of the rows being decoded, in buffers allocated once; finished rows leave by a swap, not a copy of
the rest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from drpo_server.engine.attention import AttentionPlan, grouped_attention, stacked_mask


class PrefillRecorder:
    """Runs a prefilling plan and remembers every block's keys and values of the packed tokens."""

    def __init__(self, plan: AttentionPlan) -> None:
        self._plan = plan
        self.keys: list[Tensor] = []  # for each block: [packed tokens, key heads, head size]
        self.values: list[Tensor] = []

    def attend(self, block: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        self.keys.append(key)
        self.values.append(value)
        return self._plan.attend(block, query, key, value, scaling)


class KvCache:
    """The decoding plan: rows 0 to active - 1, each with one new token a step."""

    def __init__(self, recorded: PrefillRecorder, paths: Sequence[Sequence[int]], capacity: int, shared: int) -> None:
        """paths: for each row, the packed index of every token of its context; capacity: most tokens of a row, new
        ones included; shared: query heads for each key head."""
        device = recorded.keys[0].device
        index = pad_sequence([torch.tensor(path) for path in paths], batch_first=True).to(device)
        self.lengths = torch.tensor([len(path) for path in paths])
        """Tokens of each row whose keys and values are held, on the CPU."""
        self.active = len(paths)
        self._shared = shared
        self._keys = [_buffer(tokens, index, capacity) for tokens in recorded.keys]
        self._values = [_buffer(tokens, index, capacity) for tokens in recorded.values]
        self._rows = torch.arange(len(paths), device=device)
        self._places: Tensor = self._rows
        self._capacity = capacity
        self._held = 0
        self._mask: Tensor | None = None

    def open_position(self, dtype: torch.dtype) -> Tensor:
        """Makes room for one token in every active row; its position, [active], on the device."""
        before = self.lengths[: self.active].clone()
        positions = before.to(self._rows.device)
        self._places = self._rows[: self.active] * self._capacity + positions
        self.lengths[: self.active] += 1
        self._held = int(before.max()) + 1
        self._mask = None
        if int(before.min()) + 1 < self._held:
            allowed = torch.arange(self._held) <= before[:, None, None]
            self._mask = stacked_mask(allowed, self._shared, dtype).to(self._rows.device)
        return positions

    def attend(self, block: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        keys, values = self._keys[block], self._values[block]
        keys.flatten(0, 1).flatten(1).index_copy_(0, self._places, key.flatten(1))
        values.flatten(0, 1).flatten(1).index_copy_(0, self._places, value.flatten(1))
        held = slice(0, self._held)
        out = grouped_attention(
            query.unsqueeze(1), keys[: self.active, held], values[: self.active, held], self._mask, scaling
        )
        return out.squeeze(1)

    def remove(self, row: int) -> int:
        """Takes a row out: the last active row moves into its place. Returns where that row was."""
        last = self.active - 1
        if row != last:
            length = int(self.lengths[last])
            for buffer in (*self._keys, *self._values):
                buffer[row, :length] = buffer[last, :length]
            self.lengths[row] = self.lengths[last]
        self.active = last
        return last


def _buffer(tokens: Tensor, index: Tensor, capacity: int) -> Tensor:
    """[rows, capacity, key heads, head size], the contexts filled in. Zeros, as padding is read under a mask."""
    rows, held = index.shape
    buffer = tokens.new_zeros(rows, capacity, *tokens.shape[1:])
    buffer[:, :held] = tokens[index]
    return buffer
