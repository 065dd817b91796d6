"""Stored files are read only where they are files."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from projects import regular_files


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert regular_files.read_file(path) == b"content"
    before = regular_files.file_state(path)
    path.write_bytes(b"other content")
    assert regular_files.file_state(path) != before


def test_a_pipe_a_folder_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        for act in (regular_files.read_file, regular_files.file_state):
            with pytest.raises(regular_files.NotRegular, match="not a file but a pipe"):
                act(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    for act in (regular_files.read_file, regular_files.file_state):
        with pytest.raises(FileNotFoundError):
            act(tmp_path / "none")


def test_a_file_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    path, workplace = tmp_path / "a" / "b" / "file", tmp_path / "unfinished"
    regular_files.write_whole(path, b"content", workplace=workplace)
    assert path.read_bytes() == b"content"
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_full_disk_leaves_neither_the_file_nor_an_unfinished_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(OSError, match="No space left"):
        regular_files.write_whole(tmp_path / "file", b"content", workplace=tmp_path / "unfinished")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_old_files_are_removed_and_young_ones_kept(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for name, days in (("old", 2), ("young", 0.5)):
        (tmp_path / name).touch()
        then = (now - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (then, then))
    paths = [tmp_path / name for name in ("old", "young", "gone")]
    assert regular_files.remove_old(paths, older_than=timedelta(days=1), at=now) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
