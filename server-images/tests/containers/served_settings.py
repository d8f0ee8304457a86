"""What a container's server makes of its arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from drpo_server.settings import TOKEN_VARIABLE, Settings, read_settings

SECRETS = "/run/secrets/drpo"


def settings_in_container(arguments: Sequence[str], folder: Path) -> Settings:
    """The settings, with secrets and a base mounted. Raises SettingsError; SystemExit for an unknown argument."""
    for name in ("tls.crt", "tls.key", "ca.crt", "config.json"):
        (folder / name).touch()
    mounted = [argument.replace(SECRETS, str(folder)) for argument in arguments]
    here = [re.sub("^--base=.*", f"--base={folder}", argument) for argument in mounted]
    return read_settings(here, {TOKEN_VARIABLE: "t"})
