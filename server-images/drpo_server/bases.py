"""Bases by the folder that a client names."""

from __future__ import annotations

from pathlib import Path

from drpo_server.engine.base import Base
from drpo_server.engine.engine import Engine
from drpo_server.errors import InvalidArgument, NotFound, engine_refusals


class Bases:
    """Finds base folders, and loads each once, whatever the spelling of its path."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._resident: dict[Path, Base] = {}
        self._asked_as: dict[Path, str] = {}

    def folder(self, name: str, where: str) -> Path:
        """The folder of a base. Raises InvalidArgument for no name, NotFound if it is no folder with a config."""
        if not name:
            raise InvalidArgument(f"{where} is missing: name the folder of the base")
        folder = Path(name).resolve()
        if not (folder / "config.json").is_file():
            raise NotFound(
                f"{where}: there is no base in {folder} on the server (no config.json). Fetch it there first: "
                f"`hf download ORGANISATION/NAME --local-dir {folder}` "
                "fetches one "
                "of the Hugging Face hub; `python -m drpo_server.gguf_to_safetensors FILE.gguf FOLDER` converts a "
                "GGUF file"
            )
        return folder

    def load(self, name: str, where: str) -> Base:
        """The resident base; on the compute thread. Raises as `folder`, and InvalidArgument if it does not fit."""
        folder = self.folder(name, where)
        with engine_refusals(where):
            try:
                base = self._engine.base(folder)
            except FileNotFoundError as error:  # the folder is there, so nothing was lost: its files are not right
                raise InvalidArgument(f"{where}: {error}") from error
        self._resident[folder] = base
        self._asked_as.setdefault(folder, name)
        return base

    def with_hash(self, name: str, base_hash: str, where: str) -> Base:
        """The base that has this hash: one that is resident, or in the folder named; on the compute thread.

        Raises NotFound if there is none, InvalidArgument if the folder now has another one.
        """
        for base in self._resident.values():
            if base.base_hash == base_hash:
                return base
        if (Path(name) / "config.json").is_file():
            return self.in_folder(name, base_hash, where)
        raise NotFound(
            f"{where} belongs to a base with hash {base_hash}, which is neither in {name} on this server nor among the "
            f"bases that are loaded ({', '.join(self.resident()) or 'none'}). Say where it is now (model.base of the "
            "recipe), or start the server with --preload and the folder of that base"
        )

    def in_folder(self, name: str, base_hash: str, where: str) -> Base:
        """The base in this folder, which must have this hash; on the compute thread. Raises as `load` does, and
        InvalidArgument if it has another one."""
        base = self.load(name, where)
        if not base.has_hash(base_hash):
            raise InvalidArgument(
                f"{where} was trained on a base with hash {base_hash}, but {name} now has {base.base_hash}: its "
                "weights, config.json or end tokens are others. Put the old base back, say where it is now (model.base "
                "of the recipe), or train anew"
            )
        return base

    def loaded(self, folder: Path) -> Base | None:
        """The base of a folder, if it is resident; on any thread."""
        return self._resident.get(folder)

    def resident(self) -> list[str]:
        """The bases that are loaded, as they were asked for."""
        return list(self._asked_as.values())
