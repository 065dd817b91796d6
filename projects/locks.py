"""Writes that are given up, rather than waited for, where another holds the lock that they need."""

from collections.abc import Callable

from django.db import OperationalError, connection, transaction


def write_if_free(write: Callable[[], object]) -> bool:
    """Do this small write in a transaction of its own if no other is in its way; False where it was left undone."""
    try:
        if connection.vendor == "sqlite":
            return _on_sqlite(write)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '20ms'")
            write()
    except OperationalError:
        return False
    return True


def _on_sqlite(write: Callable[[], object]) -> bool:
    with connection.cursor() as cursor:
        (waits,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        with transaction.atomic():
            write()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {waits}")
    return True
