"""Attention of a radix tree: every segment's tokens see their ancestors and, causally, their own segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from drpo_server.engine.attention import grouped_attention, stacked_mask
from drpo_server.engine.packing import Packing, Segment

_LENGTH_RATIO = 4
"""Segments are padded together while the longest has at most so many times the tokens of the shortest."""
_MASK_ELEMENTS = 1 << 24
"""Most elements of one mask."""


@dataclass(frozen=True)
class _Group:
    """Segments that are padded and attended to together."""

    query_index: Tensor  # [segments * queries], packed
    key_index: Tensor  # [segments * keys], packed
    mask: Tensor  # stacked_mask of [segments, queries, keys]
    segments: int


class PackedAttention:
    """The plan of one packing, for as many blocks and passes as wanted."""

    def __init__(self, packing: Packing, shared_heads: int, dtype: torch.dtype, device: torch.device) -> None:
        """shared_heads: query heads for each key head."""
        self._groups: list[_Group] = []
        places = torch.empty(len(packing.positions), dtype=torch.int64)
        padded = 0
        for segments in _grouped(packing.segments, shared_heads):
            queries = pad_sequence([torch.tensor(s.path[s.start :]) for s in segments], batch_first=True)
            keys = pad_sequence([torch.tensor(s.path) for s in segments], batch_first=True)
            starts = torch.tensor([s.start for s in segments])
            last_key = starts[:, None] + torch.arange(queries.shape[1])
            allowed = torch.arange(keys.shape[1]) <= last_key[:, :, None]
            real = torch.arange(queries.shape[1]) < torch.tensor([s.length for s in segments])[:, None]
            places[queries[real]] = padded + real.flatten().nonzero().squeeze(1)
            padded += queries.numel()
            self._groups.append(
                _Group(
                    query_index=queries.flatten().to(device),
                    key_index=keys.flatten().to(device),
                    mask=stacked_mask(allowed, shared_heads, dtype).to(device),
                    segments=len(segments),
                )
            )
        self._places = places.to(device)

    def attend(self, block: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        flat_query, flat_key, flat_value = query.flatten(1), key.flatten(1), value.flatten(1)
        parts: list[Tensor] = []
        for group in self._groups:
            out = grouped_attention(
                _gather(flat_query, group.query_index).view(group.segments, -1, *query.shape[1:]),
                _gather(flat_key, group.key_index).view(group.segments, -1, *key.shape[1:]),
                _gather(flat_value, group.key_index).view(group.segments, -1, *value.shape[1:]),
                group.mask.to(query.dtype),
                scaling,
            )
            parts.append(out.reshape(-1, flat_query.shape[1]))
        padded = parts[0] if len(parts) == 1 else torch.cat(parts)
        return _gather(padded, self._places).view(query.shape)


def _gather(rows: Tensor, index: Tensor) -> Tensor:
    """rows[index]. An embedding look-up, as its backward sums in a fixed order and in parallel."""
    return F.embedding(index, rows)


def _grouped(segments: Sequence[Segment], shared_heads: int) -> list[list[Segment]]:
    ordered = sorted(segments, key=lambda s: (s.start == 0, s.length, len(s.path)), reverse=True)
    groups: list[list[Segment]] = []
    keys = 0
    for segment in ordered:
        if groups:
            group = groups[-1]
            keys = max(keys, len(segment.path))
            elements = (len(group) + 1) * group[0].length * shared_heads * keys
            same_kind = (segment.start == 0) == (group[0].start == 0)
            if same_kind and segment.length * _LENGTH_RATIO >= group[0].length and elements <= _MASK_ELEMENTS:
                group.append(segment)
                continue
        groups.append([segment])
        keys = len(segment.path)
    return groups
