"""Packs rows into one sequence of tokens in which a prefix that rows share appears once.

Rows form a radix tree: a node's tokens are computed once, and its descendants attend to them. A shared prompt, several
continuations of one prefix and repeated rows all cost what their distinct tokens cost, in training as in prefilling.
Nothing is padded but attention itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MINIMUM_SAVING = 8
"""Tokens that sharing must save for a node to be split off; fewer are not worth another segment in attention."""


@dataclass(frozen=True)
class Segment:
    """A node of the tree: consecutive packed tokens."""

    start: int  # position in the row of its first token
    path: list[int]  # packed index of every token from the row's start to the segment's end

    @property
    def length(self) -> int:
        return len(self.path) - self.start


@dataclass(frozen=True)
class Packing:
    """The tree of some rows, laid out."""

    row_of_token: list[int]  # for each packed token: a row that contains it
    positions: list[int]  # for each packed token: its position in that row
    paths: list[list[int]]  # for each row: packed index of each of its tokens
    segments: list[Segment]


def shared_length(one: Sequence[int], other: Sequence[int], start: int = 0) -> int:
    """Length of the longest common prefix, given that the first `start` tokens are equal."""
    end = min(len(one), len(other))
    for index in range(start, end):
        if one[index] != other[index]:
            return index
    return end


def pack(rows: Sequence[list[int]]) -> Packing:
    """Lays out the radix tree of the rows, whose tokens are given, none empty. A pure function of the rows."""
    order = sorted(range(len(rows)), key=rows.__getitem__)
    packing = Packing(row_of_token=[], positions=[], paths=[[] for _ in rows], segments=[])
    stack: list[tuple[int, int, int, list[int]]] = [(0, len(order), 0, [])]
    while stack:
        low, high, depth, path = stack.pop()
        first = rows[order[low]]
        shared = len(first) if high - low == 1 else shared_length(first, rows[order[high - 1]], depth)
        if high - low == 1 or (high - low - 1) * (shared - depth) >= MINIMUM_SAVING:
            path = _append(packing, order[low], depth, shared, path)
            depth = shared
        children: list[tuple[int, int, int, list[int]]] = []
        while low < high and len(rows[order[low]]) == shared:
            if depth == shared:
                packing.paths[order[low]] = path
            else:
                children.append((low, low + 1, depth, path))
            low += 1
        while low < high:
            end = low + 1
            while end < high and rows[order[end]][shared] == rows[order[low]][shared]:
                end += 1
            children.append((low, end, depth, path))
            low = end
        stack.extend(reversed(children))
    return packing


def _append(packing: Packing, row: int, start: int, end: int, path: list[int]) -> list[int]:
    if start == end:
        return path
    first = len(packing.positions)
    packing.row_of_token.extend([row] * (end - start))
    packing.positions.extend(range(start, end))
    path = [*path, *range(first, first + end - start)]
    packing.segments.append(Segment(start=start, path=path))
    return path
