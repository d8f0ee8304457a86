"""A plan for a person."""

from __future__ import annotations

from drpo_server.memory_plan.request import TURNS, Plan


def format_table(plan: Plan, available: int | None) -> str:
    """A line for each item, the sum, and what there is, in GiB."""
    taking_turns = [item for item in plan.items if item.kind in TURNS]
    rows = [(item.kind, item.owner, _gib(item.bytes)) for item in plan.items]
    rows.append(("at once", "", _gib(plan.total_bytes)))
    if available is not None:
        rows.append(("available", "", _gib(available)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{kind:<{widths[0]}}  {owner:<{widths[1]}}  {size:>{widths[2]}}" for kind, owner, size in rows]
    if len(taking_turns) > 1:
        lines.append(f"({' and '.join(TURNS)} take turns: the larger counts)")
    return "\n".join(lines)


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
