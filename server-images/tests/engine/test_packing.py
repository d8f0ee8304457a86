"""The radix tree: every row can be read back along its path, and what is shared is laid out once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drpo_server.engine.packing import MINIMUM_SAVING, pack


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=20), min_size=1, max_size=12))
def test_every_row_is_its_path(rows: list[list[int]]) -> None:
    packing = pack(rows)
    tokens = [rows[row][position] for row, position in zip(packing.row_of_token, packing.positions, strict=True)]
    for row, path in zip(rows, packing.paths, strict=True):
        assert [tokens[place] for place in path] == row
        assert [packing.positions[place] for place in path] == list(range(len(row)))
    laid_out = [place for segment in packing.segments for place in segment.path[segment.start :]]
    assert sorted(laid_out) == list(range(len(tokens)))
    assert len(tokens) <= sum(map(len, rows))


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=20), min_size=1, max_size=12))
def test_a_segment_sees_its_ancestors_only(rows: list[list[int]]) -> None:
    packing = pack(rows)
    for segment in packing.segments:
        assert any(path[: len(segment.path)] == segment.path for path in packing.paths)


def test_a_prompt_a_prefix_and_a_repeat_are_laid_out_once() -> None:
    prompt, prefix = list(range(20)), list(range(30, 40))
    ends = ([50], [*prefix, 51, 52], [*prefix, 53], [54, 55], [*prefix, 51, 52])
    rows = [[*prompt, *end] for end in ends]
    packing = pack(rows)
    assert len(packing.positions) == 20 + 10 + 1 + 2 + 2 + 1 + 2
    assert packing.paths[1][:30] == packing.paths[2][:30] == packing.paths[4][:30]


def test_sharing_too_little_is_not_worth_a_segment() -> None:
    short = [[1] * (MINIMUM_SAVING - 1) + [2], [1] * (MINIMUM_SAVING - 1) + [3]]
    assert len(pack(short).segments) == 2
    long = [[1] * MINIMUM_SAVING + [2], [1] * MINIMUM_SAVING + [3]]
    assert len(pack(long).segments) == 3


def test_a_row_that_is_a_prefix_of_another() -> None:
    rows = [list(range(12)), list(range(10)), list(range(10))]
    packing = pack(rows)
    assert len(packing.positions) == 12
    assert packing.paths[1] == packing.paths[2] == packing.paths[0][:10]
