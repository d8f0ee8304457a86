"""What the servicers share."""

from __future__ import annotations

from dataclasses import dataclass

from drpo_server.bases import Bases
from drpo_server.compute import Compute
from drpo_server.engine.engine import Engine
from drpo_server.mutations import Mutations
from drpo_server.published_weights import PublishedWeights
from drpo_server.runs import Run, Runs
from drpo_server.splits import Splits
from drpo_server.storage import Storage
from drpo_server.tokenizers import Tokenizers


@dataclass(frozen=True)
class Services:
    """Made once, in server.py."""

    instance_id: str
    """Different in every process."""
    engine: Engine
    compute: Compute
    runs: Runs
    mutations: Mutations[Run]
    bases: Bases
    tokenizers: Tokenizers
    storage: Storage
    splits: Splits
    published: PublishedWeights | None
    """Weights of the trainer, for a server that samples for another."""
