"""What one request of vLLM carries for PositionalNoise: plain values, as they cross a process boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

KEY = "drpo"
"""In SamplingParams.extra_args."""


@dataclass(frozen=True)
class TokenRequest:
    """How the tokens of a request are chosen: drawn, or given."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    first_position: int = 0
    """Position in the response of the request's first token."""
    given: Sequence[int] = ()
    """Tokens that are not drawn but taken one by one, for their log-probabilities; empty: draw."""

    def as_extra_args(self) -> dict[str, Any]:
        return {KEY: {**asdict(self), "given": list(self.given)}}


def read_token_request(extra_args: dict[str, Any] | None) -> TokenRequest | None:
    """The inverse of as_extra_args; None for a request of somebody else (vLLM's own warm-up)."""
    fields = (extra_args or {}).get(KEY)
    return TokenRequest(**fields) if fields is not None else None
