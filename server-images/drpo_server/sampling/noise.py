"""Noise that depends on a rollout's seed and a token's position in the response, never on arrival order.

SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"); the orchestrator implements
the same function, and both read tests/golden/noise.json.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15


def uniform(seed: int, position: int) -> float:
    """Uniform number in [0, 1) for one token, a multiple of 2^-53.

    seed: unsigned 64-bit, one a rollout. position: of the token in the response, from 0.
    """
    z = (seed + _GOLDEN_GAMMA * (position + 1)) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    z ^= z >> 31
    return (z >> 11) * 2.0**-53
