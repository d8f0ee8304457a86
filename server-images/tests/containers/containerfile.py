"""The Containerfile's instructions, as far as tests need them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from containers.repository import ROOT

TARGETS = ("cpu", "trainer-cuda", "sampler-cuda", "orchestrator")
SERVERS = TARGETS[:3]


def instructions(target: str) -> list[tuple[str, str]]:
    """(instruction, rest) of one stage, its FROM left out; continued lines are joined."""
    text = (ROOT / "server-images" / "Containerfile").read_text()
    lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    start = next(at for at, line in enumerate(lines) if re.fullmatch(rf"FROM .* AS {target}", line))
    end = next((at for at in range(start + 1, len(lines)) if lines[at].startswith("FROM ")), len(lines))
    return [(kind, rest) for kind, _, rest in (line.partition(" ") for line in lines[start + 1 : end] if line)]


def server_arguments(target: str, given: Sequence[str] | None = None) -> list[str]:
    """What `python3 -m drpo_server` gets: those of the entry point, then those given to the container, else its own."""
    entry = _list(target, "ENTRYPOINT")
    assert entry[:3] == ["python3", "-m", "drpo_server"]
    return [*entry[3:], *(_list(target, "CMD") if given is None else given)]


def _list(target: str, instruction: str) -> list[str]:
    value = json.loads(next(rest for kind, rest in instructions(target) if kind == instruction))
    assert isinstance(value, list)
    return value
