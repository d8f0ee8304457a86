"""python -m drpo_server.memory_plan: what a run will need, from a config.json alone. See --help."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from drpo_server.engine.types import Head, LoraShape
from drpo_server.memory_plan.advice import advice
from drpo_server.memory_plan.plan import plan_memory
from drpo_server.memory_plan.request import Plan, PlannedModel, Serving, Workload
from drpo_server.memory_plan.table import format_table
from drpo_server.sampling.torch_sampler import DEFAULT_TOKEN_BUDGET as SAMPLING_TOKEN_BUDGET
from drpo_server.settings import DEFAULT_TOKEN_BUDGET, DTYPES

EXIT_BAD_ARGUMENTS = 2
EXIT_DOES_NOT_FIT = 3
_UNITS = {"": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not options.config.exists():
        print(f"there is no {options.config}: name a config.json, or a folder with one", file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    serving = Serving(
        device=options.device,
        dtype=getattr(torch, options.dtype),
        token_budget=options.token_budget,
        sampling_token_budget=SAMPLING_TOKEN_BUDGET,
        processes=options.processes,
        activation_checkpointing=options.activation_checkpointing,
    )
    try:
        plan = _plan(options, serving)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    available = options.device_memory
    fits = available is None or plan.total_bytes <= available
    advised = "" if fits else advice(lambda other: _plan(options, other), serving, available)
    if options.json:
        answer = {"items": [asdict(item) for item in plan.items], "total_bytes": plan.total_bytes}
        print(json.dumps({**answer, "available_bytes": available, "fits": fits, "advice": advised}, indent=1))
    else:
        print(format_table(plan, available))
        if advised:
            print(f"It does not fit. {advised}")
    return 0 if fits else EXIT_DOES_NOT_FIT


def _plan(options: argparse.Namespace, serving: Serving) -> Plan:
    workload = Workload(
        training_row_tokens=options.row_tokens,
        kept_rows=options.rows,
        sampling_rows=0 if options.samplers_elsewhere else options.rows,
        sampling_row_tokens=options.row_tokens,
    )
    return plan_memory(list(_models(options)), workload, serving)


def _models(options: argparse.Namespace) -> list[PlannedModel]:
    """Those of DR-PO with PPO: the reference and the reward model are frozen."""
    lora = None
    if options.lora_rank is not None:
        targets = tuple(options.target_modules or ())
        lora = LoraShape(options.lora_rank, 2.0 * options.lora_rank, targets, options.last_blocks)
    wanted = [("policy", Head.LANGUAGE_MODEL, True), ("reference", Head.LANGUAGE_MODEL, False)]
    if not options.no_critic:
        wanted.append(("critic", Head.SCALAR, True))
    if not options.no_reward_model:
        wanted.append(("reward-model", Head.SCALAR, False))
    return [PlannedModel(name, options.config, lora, head, trainable) for name, head, trainable in wanted]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m drpo_server.memory_plan",
        description="What each process of a model server will need for a policy, its reference, a critic and a reward "
        "model, from the base's config.json alone: a projection, without a server, weights or a device.",
        epilog="example: python -m drpo_server.memory_plan --config docs/serving/pythia-2.8b.json --dtype bfloat16 "
        "--device cuda --lora-rank 64 --rows 512 --row-tokens 565 --device-memory 80GiB. "
        "Exit codes: 0 it fits, or nothing to fit into was named; 2 bad arguments; 3 it does not fit.",
    )
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE", help="config.json of the base, or its folder")
    add("--lora-rank", type=_positive, metavar="N", help="rank of the adapters (default: full copies)")
    add("--last-blocks", type=int, default=0, metavar="N", help="adapt the last so many blocks; 0: all")
    add("--target-modules", nargs="+", metavar="NAME", help="linear layers of a block (default: all)")
    add("--no-critic", action="store_true", help="an algorithm without a critic (RLOO, GRPO, REBEL, DPO)")
    add("--no-reward-model", action="store_true", help="scores come from elsewhere")
    add("--samplers-elsewhere", action="store_true", help="other servers sample: no KV cache here")
    add("--rows", type=_positive, default=512, metavar="N", help="rollouts of an iteration (default: %(default)s)")
    add("--row-tokens", type=_positive, default=1024, metavar="N", help="of the longest row (default: %(default)s)")
    add("--token-budget", type=_positive, default=DEFAULT_TOKEN_BUDGET, metavar="N", help="default: %(default)s")
    add("--dtype", choices=DTYPES, default="float32", help="default: %(default)s")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    add("--processes", type=_positive, default=1, metavar="N", help="weights are sharded over so many")
    add("--activation-checkpointing", action="store_true")
    add("--device-memory", type=_size, metavar="SIZE", help="of one process, such as 80GiB")
    add("--json", action="store_true", help="one JSON document on standard output")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]*)", text)
    if match is None or match[2].upper() not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text} is not a size: say 80GiB, 80GB, or bytes")
    return int(float(match[1]) * _UNITS[match[2].upper()])


if __name__ == "__main__":
    sys.exit(main())
