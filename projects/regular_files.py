"""Stored files: written whole or not at all, and read without ever waiting for a pipe or a device under their name."""

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".part"


class NotRegular(OSError):
    """Something else than a file stands under this name."""


@dataclass(frozen=True)
class FileState:
    """What changes when a file is replaced or written to."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def file_state(path: Path) -> FileState:
    """Raises FileNotFoundError, NotRegular or another OSError."""
    return _state(path.stat(), path)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, FileState]]:
    """A regular file, open to read, and its state. Raises FileNotFoundError, NotRegular or another OSError."""
    # Without O_NONBLOCK, opening a pipe waits until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = _state(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file, found


def read_file(path: Path) -> bytes:
    """All bytes of a regular file. Raises as `opened`."""
    with opened(path) as (file, _):
        return file.read()


def _state(found: os.stat_result, path: Path) -> FileState:
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular(0, "It is not a file but a pipe, a folder or a device", str(path))
    return FileState(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def write_whole(path: Path, data: bytes, *, workplace: Path) -> None:
    """Put the bytes under this name: after this returns, a power cut does not take them back.

    They are written to an unfinished file in `workplace`, a folder of the same file system, which is removed where the
    disk is full. What a killed process left there is for `remove_old`.
    """
    with whole_file(path, workplace=workplace) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, *, workplace: Path) -> Iterator[BinaryIO]:
    """A file to write that stands under its name, as `write_whole` says, once the block ends; else it is removed."""
    workplace.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=workplace, suffix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_old(paths: Iterable[Path], *, older_than: timedelta, at: datetime) -> int:
    """Remove those of these files that nobody has written to for so long. Returns how many."""
    removed = 0
    for path in paths:
        try:
            if path.stat().st_mtime < (at - older_than).timestamp():
                path.unlink()
                removed += 1
        except FileNotFoundError:  # another sweeper was here
            continue
    return removed
