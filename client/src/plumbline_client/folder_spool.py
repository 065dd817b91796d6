"""Batches that wait on disk: append-only files that outlive the process, each sent by one process alone.

Every process has a folder of its own in the spool, under a lock that ends with the process. What a process left behind
is adopted by whichever process next gets its lock: each file is moved, never copied, so that it is in one folder only.
A line counts as kept once it has been given to the operating system whole; the next power cut, unlike the end of the
process, may still lose it.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from plumbline_client.memory_spool import Segment
from plumbline_client.options import DeliveryOptions

log = logging.getLogger("plumbline_client")
LOCK = "lock"
SUFFIX = ".jsonl"


class FolderSegment:
    """One file of lines; its name has the time it was begun, its kind and its id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _, self.kind, self.id = path.stem.split("-")

    def lines(self) -> list[bytes]:
        """Its whole lines; one that was cut off is none."""
        return self.path.read_bytes().split(b"\n")[:-1]

    def finish(self) -> None:
        self.path.unlink(missing_ok=True)


class OpenSegment:
    """The file that lines of one kind are added to."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.path = folder / f"{time.time_ns():020d}-{kind}-{uuid4().hex}{SUFFIX}"
        self.begun_at = time.monotonic()
        self.rows = 0
        self.bytes = 0
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines. On a full disk the file is cut back to what it was. Raises OSError."""
        data = b"".join(line + b"\n" for line in lines)
        try:
            written = memoryview(data)
            while written:
                written = written[os.write(self._file, written) :]
        except OSError:
            os.ftruncate(self._file, self.bytes)
            raise
        self.rows += len(lines)
        self.bytes += len(data)

    def seal(self) -> None:
        os.close(self._file)


class FolderSpool:
    """The folder of this process among those of a spool. Raises OSError where the spool cannot be written."""

    def __init__(self, root: Path, options: DeliveryOptions) -> None:
        self._root, self._options = root, options
        self._lock = threading.Lock()
        self._open: dict[str, OpenSegment] = {}
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under its final name it is locked from the first moment on, so that nobody adopts it too early.
        making, self._folder = root / f".{uuid4().hex}", root / uuid4().hex
        making.mkdir(mode=0o700)
        self._held = os.open(making / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        making.rename(self._folder)

    def append(self, kind: str, lines: Sequence[bytes]) -> int:
        kept = 0
        try:
            with self._lock:
                space = self._options.spool_bytes - self._bytes()
                for batch in self._cut(kind, lines):
                    space -= sum(map(len, batch)) + len(batch)
                    if space < 0:
                        break
                    self._opened(kind).append(batch)
                    kept += len(batch)
        except OSError as why:
            log.error("Rows cannot be written to %s, and wait in memory: %s", self._folder, why)
        return kept

    def _cut(self, kind: str, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        """Parts of the lines that each fit into the open segment, which is sealed where it is full."""
        start = 0
        while start < len(lines):
            segment = self._opened(kind)
            rows, space = self._options.batch_rows - segment.rows, self._options.batch_bytes - segment.bytes
            part: list[bytes] = []
            for line in lines[start : start + rows]:
                space -= len(line) + 1
                if space < 0 and (part or segment.rows):
                    break
                part.append(line)
            if part:
                yield part
            else:
                self._seal(kind)
            start += len(part)

    def _opened(self, kind: str) -> OpenSegment:
        if kind in self._open and self._open[kind].rows >= self._options.batch_rows:
            self._seal(kind)
        if kind not in self._open:
            self._open[kind] = OpenSegment(self._folder, kind)
        return self._open[kind]

    def _seal(self, kind: str) -> None:
        self._open.pop(kind).seal()

    def take(self, min_age: float) -> Segment | None:
        with self._lock:
            if not self._sealed():
                for kind, segment in list(self._open.items()):
                    if segment.rows and time.monotonic() - segment.begun_at >= min_age:
                        self._seal(kind)
            sealed = self._sealed()
            return FolderSegment(sealed[0]) if sealed else None

    def _sealed(self) -> list[Path]:
        """The files that are not written any more, oldest first."""
        opened = {segment.path for segment in self._open.values()}
        return sorted(path for path in self._folder.glob(f"*{SUFFIX}") if path not in opened)

    def _bytes(self) -> int:
        return sum(_size(path) for path in self._sealed()) + sum(one.bytes for one in self._open.values())

    def adopt(self) -> int:
        torn = 0
        for folder in sorted(self._root.iterdir()):
            if folder != self._folder and not folder.name.startswith(".") and folder.is_dir():
                torn += self._adopt(folder)
        return torn

    def _adopt(self, folder: Path) -> int:
        """Move the files of a folder whose process has ended into ours."""
        held = _try_lock(folder / LOCK)
        if held is None:
            return 0
        torn = 0
        try:
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                torn += _is_torn(path)
                path.rename(self._folder / path.name)
            (folder / LOCK).unlink()
            folder.rmdir()
        finally:
            os.close(held)
        return torn

    def is_empty(self) -> bool:
        with self._lock:
            return not any(segment.rows for segment in self._open.values()) and not self._sealed()

    def close(self) -> int:
        """Give the folder up: with what is left in it to the next process, or altogether."""
        with self._lock:
            for kind in list(self._open):
                empty = not self._open[kind].rows and self._open[kind].path
                self._seal(kind)
                if empty:
                    empty.unlink()
            if not self._sealed():
                (self._folder / LOCK).unlink(missing_ok=True)
                self._folder.rmdir()
            os.close(self._held)
        return 0

    def abandon(self) -> None:
        """In a forked child: close our copies of the parent's files, which frees nothing that the parent holds."""
        self._lock = threading.Lock()
        for segment in self._open.values():
            segment.seal()
        self._open = {}
        os.close(self._held)


def _try_lock(path: Path) -> int | None:
    """The lock as an open file; None where a process holds it, or where the folder has been adopted meanwhile."""
    try:
        held = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(held).st_ino:
            return held
    except OSError:
        pass
    os.close(held)
    return None


def _size(path: Path) -> int:
    """In bytes; 0 of a file that has been finished meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
