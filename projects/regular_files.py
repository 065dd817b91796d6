"""Read a stored file without ever waiting for it: a pipe, a device or a folder under its name is refused."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


class NotRegular(OSError):
    """Something else than a file stands under this name."""


@dataclass(frozen=True)
class FileState:
    """What changes when a file is replaced or written to."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def state(path: Path) -> FileState:
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


def read(path: Path) -> bytes:
    """All bytes of a regular file. Raises as `opened`."""
    with opened(path) as (file, _):
        return file.read()


def _state(found: os.stat_result, path: Path) -> FileState:
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular(0, "It is not a file but a pipe, a folder or a device", str(path))
    return FileState(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
