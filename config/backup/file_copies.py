"""Copies of files that are hashed on their way."""

import hashlib
import os
from pathlib import Path
from typing import Self

from config.backup.manifest import FileEntry
from projects import regular_files

PIECE = 2**20


class HashedWriter:
    """A new file, readable by its owner only, whose bytes are hashed as they are written."""

    def __init__(self, path: Path) -> None:
        """Raises FileExistsError where the file is there."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash, self._size = hashlib.sha256(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)

    def entry(self) -> FileEntry:
        """Hash and size of what was written."""
        return FileEntry(self._hash.hexdigest(), self._size)


def copy_file(source: Path, target: Path) -> FileEntry:
    """Copy a regular file to a new one. Raises OSError where either cannot be used."""
    with regular_files.opened(source) as (file, _), HashedWriter(target) as copy:
        while piece := file.read(PIECE):
            copy.write(piece)
    return copy.entry()


def hash_file(path: Path) -> FileEntry:
    """Hash and size of a regular file. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with regular_files.opened(path) as (file, _):
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return FileEntry(digest.hexdigest(), size)
