"""The noise against the golden file that the orchestrator's tests read too."""

from __future__ import annotations

import json
from pathlib import Path

from drpo_server.sampling.noise import uniform

GOLDEN = Path(__file__).parents[3] / "tests" / "golden" / "noise.json"


def test_agrees_with_the_golden_file() -> None:
    rows = json.loads(GOLDEN.read_text())
    assert len(rows) > 10
    for row in rows:
        assert uniform(int(row["seed"]), row["position"]) == row["uniform"]


def test_is_the_published_splitmix64() -> None:
    """Vigna's splitmix64.c with state 0 starts with this number."""
    assert uniform(0, 0) == (0xE220A8397B1DCDAF >> 11) * 2.0**-53


def test_spreads_over_the_unit_interval() -> None:
    drawn = [uniform(seed, position) for seed in range(50) for position in range(50)]
    assert min(drawn) >= 0
    assert max(drawn) < 1
    assert abs(sum(drawn) / len(drawn) - 0.5) < 0.03
    assert len(set(drawn)) == len(drawn)
