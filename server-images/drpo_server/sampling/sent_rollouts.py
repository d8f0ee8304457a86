"""Rollouts on their way from one process to another, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from drpo_server.engine.types import FinishReason, SampledRollout


def encode_rollouts(rollouts: Sequence[SampledRollout]) -> bytes:
    return json.dumps([{**asdict(item), "finish_reason": item.finish_reason.value} for item in rollouts]).encode()


def decode_rollouts(content: bytes) -> list[SampledRollout]:
    """What encode_rollouts was given, to the bit."""
    return [
        SampledRollout(**{**item, "finish_reason": FinishReason(item["finish_reason"])}) for item in json.loads(content)
    ]
