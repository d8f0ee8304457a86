"""Runs in vLLM's worker processes: imported there, it tells them how this server hands weights over."""

from __future__ import annotations

from drpo_server.sampling.vllm import weight_transfer

weight_transfer.register()


class WorkerExtension:
    """vLLM adds this class to its worker's bases. It needs no method: importing the module is what counts."""
