"""The trainer's side of a broadcast: a model's merged weights, one tensor after the other."""

from __future__ import annotations

from drpo_server.engine.group import Group
from drpo_server.engine.model import Model
from drpo_server.engine.types import OnProgress
from drpo_server.errors import Unavailable
from drpo_server.in_step import on_first
from drpo_server.weight_broadcast import BroadcastGroup, Members


def send_weights(model: Model, members: Members, processes: Group, on_progress: OnProgress) -> int:
    """Waits for the samplers and sends them `model.merged_tensors()`. Returns the bytes sent.

    on_progress gets (bytes sent, bytes in all). Processes that compute with this one gather weights and send nothing.
    Raises Unavailable if a sampler does not come or goes away.
    """
    total = sum(spec.bytes for spec in model.merged_specs())
    device = next(model.network.module.parameters()).device
    sender: BroadcastGroup | None = None
    failure: RuntimeError | None = None
    sent = 0
    if processes.rank == 0:
        try:
            sender = BroadcastGroup(members, 0, device)
        except RuntimeError as error:
            failure = error
    for _, tensor in model.merged_tensors():
        # After a failure the rest is gathered all the same, as the other processes wait in it.
        if sender is not None and failure is None:
            try:
                sender.broadcast(tensor.contiguous())
            except RuntimeError as error:
                failure = error
        sent += tensor.nbytes
        on_progress(sent, total)
    if sender is not None:
        sender.close()
    on_first(processes, lambda: _raise(failure))
    return sent


def _raise(failure: RuntimeError | None) -> None:
    if failure is not None:
        raise Unavailable(
            f"weights could not be sent ({str(failure).splitlines()[0]}): check that every sampler was asked to take "
            "them (SyncWeights) and reaches the group's address, then send them again"
        ) from failure
