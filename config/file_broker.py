"""Kombu's file broker, made to survive processes that are killed while they write who reads which queue.

A table of queues is emptied and then written. A process that reads it in between, or after a kill, finds no JSON: kombu
raises, and a worker ends whenever it starts.
"""

import fcntl
import time
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from kombu.transport import filesystem

LOOKS = 10  # whoever is just writing has written by then
PAUSE_SECONDS = 0.02


class Channel(filesystem.Channel):
    """A channel that waits for a table that is just written, and begins one anew that was never written."""

    def get_table(self, exchange: str) -> list[Any]:
        """The queues of this exchange; none of a table that was never written."""
        for _ in range(LOOKS):
            try:
                return list(super().get_table(exchange))
            except JSONDecodeError:
                time.sleep(PAUSE_SECONDS)
        return []

    def _queue_bind(self, exchange: str, routing_key: Any, pattern: Any, queue: Any) -> None:
        for _ in range(LOOKS):
            try:
                super()._queue_bind(exchange, routing_key, pattern, queue)
                return
            except JSONDecodeError:
                time.sleep(PAUSE_SECONDS)
        self._begin_table(exchange)
        super()._queue_bind(exchange, routing_key, pattern, queue)

    def _begin_table(self, exchange: str) -> None:
        """Write an empty table into a file without one; in place, for another process may wait for its lock."""
        with Path(self.control_folder, f"{exchange}.exchange").open("r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not file.read():
                file.write(b"[]")


def install() -> None:
    """Let the file transport use this channel."""
    filesystem.Transport.Channel = Channel
