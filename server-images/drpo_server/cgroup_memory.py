"""The memory limit of the control group that this process is in, as a container has one: versions 2 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def cgroup_memory(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> tuple[int, int] | None:
    """(limit, bytes below it that are free), of the ancestor with the least free; None: there is no limit."""
    found = [memory for folder in _folders(mount, membership) if (memory := _read(folder)) is not None]
    return min(found, key=lambda memory: memory[1], default=None)


def _folders(mount: Path, membership: Path) -> Iterator[Path]:
    """The groups with a memory controller that the process is in, and their ancestors."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = mount / "memory" if controllers else mount
        folder = root / path.lstrip("/")
        # In a container the path may be the host's, while what is mounted is the container's own group.
        yield from (folder, *[parent for parent in folder.parents if parent.is_relative_to(root)])


def _read(folder: Path) -> tuple[int, int] | None:
    for limit_name, usage_name, cache_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit, usage = int((folder / limit_name).read_text()), int((folder / usage_name).read_text())
            statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # not there, or "max"
            continue
        if limit < 1 << 60:  # version 1 says a huge number for no limit
            return limit, max(0, limit - usage + int(statistics.get(cache_name, 0)))
    return None
