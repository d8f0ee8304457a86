"""The `server` section that an orchestrator in a container is given, held to the recipe's schema."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
from containers.repository import ROOT, output_of


def read_server_section(text: str) -> dict[str, Any]:
    """Parses and checks it. Raises jsonschema.ValidationError."""
    section = json.loads(text)
    schema = json.loads((ROOT / "docs" / "recipe.schema.json").read_text())
    jsonschema.validate(section, {**schema["properties"]["server"], "$defs": schema.get("$defs", {})})
    assert isinstance(section, dict)
    return section


def sampler_addresses(section: dict[str, Any]) -> list[str]:
    return [sampler["address"] for sampler in section["samplers"]]


def names_of_default_certificates(role: str) -> list[str]:
    """The names that scripts/make-certificates puts into a server's certificate when it is told none."""
    script = (ROOT / "scripts" / "make-certificates").read_text()
    servers = re.search(r"(?ms)^  servers=\(\n(.*?)^  \)", script)
    assert servers is not None
    expanded = output_of("bash", "-c", f"printf '%s\\n' {' '.join(servers[1].split(chr(10)))}")
    return next(line for line in expanded.splitlines() if line.startswith(f"{role}=")).partition("=")[2].split(",")


def is_named(host: str, names: list[str]) -> bool:
    """True if a certificate for these names is one for the host; * is one label."""
    return host in names or f"*.{host.partition('.')[2]}" in names
