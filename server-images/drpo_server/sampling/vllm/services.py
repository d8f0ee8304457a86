"""What the servicers of a vLLM server share."""

from __future__ import annotations

from dataclasses import dataclass

from drpo_server.compute import Compute
from drpo_server.fenced_run import FencedRun, FencedRuns
from drpo_server.mutations import Mutations
from drpo_server.published_weights import PublishedWeights
from drpo_server.sampling.vllm.engine import VllmEngine
from drpo_server.sampling.vllm.held_weights import HeldWeights
from drpo_server.settings import Settings

SAMPLING_SLOTS = 8
"""Calls whose rollouts vLLM writes side by side; more wait for their turn. It batches rollouts, not calls."""


@dataclass(frozen=True)
class VllmServices:
    """Made once, in server.py."""

    instance_id: str
    """Different in every process."""
    settings: Settings
    engine: VllmEngine
    held: HeldWeights
    published: PublishedWeights | None
    """None: the server was not told where to look."""
    base_hash: str
    runs: FencedRuns[FencedRun]
    mutations: Mutations[FencedRun]
    sampling: Compute
    """A thread for each slot."""
