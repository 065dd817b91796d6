"""Batches that wait in memory: where no folder is named, or none can be written."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

from plumbline_client.options import DeliveryOptions


class Segment(Protocol):
    """Rows of one kind that are sent together and finished together; the id stays the same however often it is sent."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def lines(self) -> list[bytes]: ...

    def finish(self) -> None:
        """Forget it: every row has its answer."""
        ...


class Spool(Protocol):
    """Where rows wait for the server, in the order in which they came."""

    def append(self, kind: str, lines: Sequence[bytes]) -> int:
        """Keep the first of the lines for which there is space; how many."""
        ...

    def take(self, min_age: float) -> Segment | None:
        """The oldest segment that is full, or open for so long; it is the caller's until it is finished or taken again.

        None where nothing is old enough.
        """
        ...

    def adopt(self) -> int:
        """Take over what processes that have ended left behind; how many lines of it were cut."""
        ...

    def is_empty(self) -> bool: ...

    def close(self) -> int:
        """Give it up; how many lines are lost with it."""
        ...

    def abandon(self) -> None:
        """Forget, in a forked child, what belongs to its parent."""
        ...


class MemorySegment:
    """Lines in memory."""

    def __init__(self, kind: str, spool: "MemorySpool") -> None:
        self.id = uuid4().hex
        self.kind = kind
        self.begun_at = time.monotonic()
        self.bytes = 0
        self.kept: list[bytes] = []
        self._spool = spool

    def lines(self) -> list[bytes]:
        return self.kept

    def finish(self) -> None:
        self._spool.forget(self)


class MemorySpool:
    """Segments in memory, at most `buffer_bytes` of them."""

    def __init__(self, options: DeliveryOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._segments: deque[MemorySegment] = deque()
        self._taken: MemorySegment | None = None
        self._bytes = 0

    def append(self, kind: str, lines: Sequence[bytes]) -> int:
        with self._lock:
            for number, line in enumerate(lines):
                if self._bytes + len(line) > self._options.buffer_bytes:
                    return number
                segment = self._open(kind, len(line))
                segment.kept.append(line)
                segment.bytes += len(line)
                self._bytes += len(line)
        return len(lines)

    def _open(self, kind: str, more: int) -> MemorySegment:
        for segment in reversed(self._segments):
            if segment.kind == kind:
                fits = len(segment.kept) < self._options.batch_rows
                if fits and segment.bytes + more <= self._options.batch_bytes and segment is not self._taken:
                    return segment
                break
        self._segments.append(MemorySegment(kind, self))
        return self._segments[-1]

    def take(self, min_age: float) -> Segment | None:
        with self._lock:
            for segment in self._segments:
                full = len(segment.kept) >= self._options.batch_rows or segment.bytes >= self._options.batch_bytes // 2
                if full or segment is self._taken or time.monotonic() - segment.begun_at >= min_age:
                    self._taken = segment
                    return segment
        return None

    def forget(self, segment: MemorySegment) -> None:
        with self._lock:
            self._segments.remove(segment)
            self._bytes -= segment.bytes
            self._taken = None

    def adopt(self) -> int:
        return 0

    def is_empty(self) -> bool:
        return not self._segments

    def close(self) -> int:
        return sum(len(segment.kept) for segment in self._segments)

    def abandon(self) -> None:
        self._lock = threading.Lock()
        self._segments.clear()
        self._bytes, self._taken = 0, None
