"""Stored files are read only where they are files."""

import os
from pathlib import Path

import pytest

from projects import regular_files


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert regular_files.read(path) == b"content"
    before = regular_files.state(path)
    path.write_bytes(b"other content")
    assert regular_files.state(path) != before


def test_a_pipe_a_folder_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        for act in (regular_files.read, regular_files.state):
            with pytest.raises(regular_files.NotRegular, match="not a file but a pipe"):
                act(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    for act in (regular_files.read, regular_files.state):
        with pytest.raises(FileNotFoundError):
            act(tmp_path / "none")
