"""The rows between the caller's thread and the writer's: bounded, and never waited for."""

import queue
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """What was taken out of the buffer: lines by kind in their order, and how many there was no space for."""

    lines: dict[str, list[bytes]]
    overflow: int


class Buffer:
    """Lines by kind, at most `most_bytes` of them.

    The lock may be taken twice by one thread, and SimpleQueue by any code at any time: a signal handler that logs
    interrupts a thread that logs.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.logged = 0  # lines that were added, those without space too
        self._lock = threading.RLock()
        self._lines: dict[str, list[bytes]] = {}
        self._bytes = 0
        self._overflow = 0
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def add(self, kind: str, line: bytes) -> bool:
        """Take a line, or count it where there is no space. Never waits for more than a swap of lists."""
        with self._lock:
            self.logged += 1
            size = self._bytes + len(line)
            if size > self.most_bytes:
                self._overflow += 1
                return False
            first = self._bytes == 0
            self._bytes = size
            lines = self._lines.get(kind)
            if lines is None:
                lines = self._lines[kind] = []
            lines.append(line)
        if first:
            self._wakes.put(None)
        return True

    def wake(self) -> None:
        self._wakes.put(None)

    def wait(self) -> None:
        """Wait until there is something, or `wake` is called."""
        self._wakes.get()

    def take(self) -> Taken:
        """Everything that is in it."""
        with self._lock:
            taken = Taken(self._lines, self._overflow)
            self._lines, self._bytes, self._overflow = {}, 0, 0
        return taken

    def is_empty(self) -> bool:
        return self._bytes == 0
