"""Weights spread over the processes of a group by FSDP2 (`fully_shard`), gathered block by block where they are used.

A network is one tree of sharded modules: its blocks, and what is around them. The adapters and the scalar head of a
model are a tree of their own, sharded when the model is made, so that a model can come and go while the base stays.
Every pass runs inside the `Scope`s of both, whose hooks gather what is in no block. Losses are sums over all rows, so
gradients are summed over the processes, not averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from drpo_server.engine.group import Group
from drpo_server.engine.scope import Scope


def shard(
    scope: Scope, units: Sequence[nn.Module], group: Group, *, dtype: torch.dtype, scope_dtype: torch.dtype
) -> None:
    """Shards each unit, and what else is in the scope, over the group; unit by unit they move to its device.

    dtype, scope_dtype: types that units, and what else is in the scope, are gathered and computed with. Gradients are
    summed in float32 or wider. Weights have their final requires_grad.
    """
    for module in (*units, scope):
        policy = MixedPrecisionPolicy(
            param_dtype=scope_dtype if module is scope else dtype,
            reduce_dtype=torch.promote_types(dtype, torch.float32),
            cast_forward_inputs=False,
        )
        # Freed after the forward pass at the root, too: one without gradients has no backward pass that would do it.
        sharded: Any = fully_shard(module, mesh=group.mesh, mp_policy=policy, reshard_after_forward=True)
        sharded.set_gradient_divide_factor(1.0)
        sharded.set_force_sum_reduction_for_comms(True)  # gloo can only sum


@contextmanager
def gathered(*scopes: Scope) -> Iterator[None]:
    """All weights of the scopes are whole until the block ends, so that each process may compute what it likes in it.
    Inside the scopes' forward."""
    modules = [module for scope in scopes for module in scope.modules() if isinstance(module, FSDPModule)]
    for module in modules:
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module in modules:
            module.set_reshard_after_forward(True, recurse=False)
            module.reshard()
