"""Django's SQLite, with a fair wait for the write lock.

SQLite lets one writer in at a time, and its own wait grows to 100 ms between looks: a newcomer, who looks more often,
gets in before one who has waited long. With 32 writers that have no pause some waited longer than the 20 s limit and
failed as `database is locked`. Here all who wait look equally often, every few milliseconds, until the same limit.
"""

import random
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base

# What asks for the write lock when it stands alone. Inside a transaction the lock is held already (BEGIN IMMEDIATE).
WRITES = re.compile(r"\s*(BEGIN IMMEDIATE|INSERT|UPDATE|DELETE|REPLACE|WITH)\b", re.IGNORECASE)
LEAST, MOST = 0.001, 0.004  # seconds between two looks


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction wait in turn."""

    def execute(self, query: str, params: Any = None) -> Any:
        return self._fairly(query, lambda: base.SQLiteCursorWrapper.execute(self, query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        return self._fairly(query, lambda: base.SQLiteCursorWrapper.executemany(self, query, param_list))

    def _fairly(self, query: str, act: Callable[[], Any]) -> Any:
        if self.connection.in_transaction or not WRITES.match(query):
            return act()
        (milliseconds,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        deadline = time.monotonic() + milliseconds / 1000
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
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
            time.sleep(random.uniform(LEAST, MOST))


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Cursor:
        return self.connection.cursor(factory=Cursor)
