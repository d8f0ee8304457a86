"""Folders and files are whole or not there, wherever a crash cuts the writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from drpo_server.durable_files import hash_file, new_folder, recover_folder, remove_folder, write_file
from drpo_server.ledger import Ledger


def write(target: Path, content: str) -> None:
    with new_folder(target) as partial:
        (partial / "file").write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with new_folder(target) as partial:
        (partial / "file").write_text("new")
        assert not target.exists()
    assert (target / "file").read_text() == "new"
    assert names(target.parent) == ["b"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with new_folder(target) as partial:
        (partial / "old").write_text("old")
    write(target, "new")
    assert names(target) == ["file"]
    assert names(tmp_path) == ["a"]


def test_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write(target, "old")

    def fail_in_between() -> None:
        with new_folder(target) as partial:
            (partial / "file").write_text("new")
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail_in_between()
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_crash_between_the_two_renames_of_a_replacement_is_mended(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write(target, "old")
    target.rename(tmp_path / ".a.replaced")  # what a crash leaves there
    recover_folder(target)
    assert (target / "file").read_text() == "old"


def test_crash_after_the_second_rename_keeps_the_new_folder(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write(target, "old")
    target.rename(tmp_path / ".a.replaced")
    target.mkdir()
    (target / "file").write_text("new")
    recover_folder(target)
    assert (target / "file").read_text() == "new"
    write(target, "newer")
    assert names(tmp_path) == ["a"]


def test_leftover_of_a_crash_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    (tmp_path / ".a.partial-x1").mkdir()
    (tmp_path / ".b.partial-x1").mkdir()  # somebody else's
    write(tmp_path / "a", "new")
    assert names(tmp_path) == [".b.partial-x1", "a"]


def test_removal(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    for _ in range(2):
        remove_folder(tmp_path / "a")
        assert names(tmp_path) == []


def test_removal_of_a_half_replaced_folder(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    (tmp_path / "a").rename(tmp_path / ".a.replaced")
    remove_folder(tmp_path / "a")
    assert names(tmp_path) == []


def test_file_is_replaced(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_file(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_hash_is_sha256_and_counts_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    sizes: list[int] = []
    assert hash_file(tmp_path / "file", sizes.append) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert sum(sizes) == 3


class TestLedger:
    def test_survives_a_restart(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.json"
        ledger = Ledger(path)
        assert ledger.acquire("run", "a") == (1, True)
        assert ledger.acquire("run", "b") == (2, True)
        assert ledger.next_generations("run", ["policy"]) == {"policy": 1}
        later = Ledger(path)
        assert later.acquire("run", "a") == (1, False)
        assert later.fence("run") == 2
        assert later.acquire("run", "c") == (3, True)
        assert later.next_generations("run", ["policy", "critic"]) == {"policy": 2, "critic": 1}

    def test_knows_nothing_of_other_runs(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "ledger.json")
        ledger.acquire("run", "a")
        assert ledger.fence("another") == 0

    def test_is_not_changed_by_a_write_that_fails(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "missing-folder" / "ledger.json")
        with pytest.raises(FileNotFoundError):
            ledger.acquire("run", "a")
        assert ledger.fence("run") == 0
