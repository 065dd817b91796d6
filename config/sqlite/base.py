"""Django's SQLite, with a fair wait for the write lock.

SQLite lets one writer in at a time, and its own wait grows to 100 ms between attempts: a new process, which tries more
often, gets in before one that has waited long. With 32 writers that have no pause some waited longer than the 20 s
limit and failed as `database is locked`. Here processes queue at a lock on a file beside the database, for which the
kernel keeps the order: only the one at its head tries, every millisecond, and the others cost no processor time.

The queue's lock is held while waiting, never while writing, so that SQLite's own lock alone keeps the data whole. It is
a lock of an open file (flock), so that threads queue as processes do and a killed process releases it. A record lock
belongs to a process: with threads in two processes the kernel sees deadlocks that are none and refuses some of them.
A forked child has the open file as well, and would keep the lock of a parent that is killed: it closes its own at once.
"""

import contextlib
import fcntl
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db.backends.sqlite3 import base

# What asks for the write lock when it stands alone. Inside a transaction the lock is held already (BEGIN IMMEDIATE).
WRITES = re.compile(r"\s*(BEGIN IMMEDIATE|INSERT|UPDATE|DELETE|REPLACE|WITH)\b", re.IGNORECASE)
LOOK = 0.0002  # seconds between two looks of the one at the head


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction wait in turn; `queue_path` is the path of the file they queue at."""

    queue_path: str | None = None

    def execute(self, query: str, params: Any = None) -> Any:
        return self._fairly(query, lambda: base.SQLiteCursorWrapper.execute(self, query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        return self._fairly(query, lambda: base.SQLiteCursorWrapper.executemany(self, query, param_list))

    def _fairly(self, query: str, act: Callable[[], Any]) -> Any:
        if self.connection.in_transaction or not WRITES.match(query):
            return act()
        (milliseconds,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        if milliseconds == 0:  # whoever set this does not wait, in no queue either
            return act()
        deadline = time.monotonic() + milliseconds / 1000
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            with queued(self.queue_path):
                return self._until(deadline, act)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")

    @staticmethod
    def _until(deadline: float, act: Callable[[], Any]) -> Any:
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK)


_open_queues: set[int] = set()  # descriptors of this process, by which its threads wait or hold the lock
_opening = threading.Lock()  # no fork comes between opening one and knowing of it


def _close_inherited() -> None:
    """In a forked child: it has none of the threads that hold these."""
    for descriptor in _open_queues:
        os.close(descriptor)
    _open_queues.clear()
    _opening.release()


os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_close_inherited)


@contextlib.contextmanager
def queued(queue_path: str | None) -> Iterator[None]:
    """Hold the lock of the queue; without a path, go straight on."""
    if queue_path is None:
        yield
        return
    with _opening:
        descriptor = os.open(queue_path, os.O_RDWR | os.O_CREAT, 0o600)
        _open_queues.add(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough where a child was forked meanwhile
        _open_queues.discard(descriptor)
        os.close(descriptor)


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        if not self.is_in_memory_db():
            cursor.queue_path = f"{self.settings_dict['NAME']}-turn"
        return cursor
