"""Locks of rows: taken in one order, begun again after a deadlock, or given up where another holds them."""

import functools
import random
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

CONFLICTS = ("40P01", "40001")
"""SQLSTATE of deadlock_detected and serialization_failure: the whole transaction was rolled back for another's sake."""

ATTEMPTS = 4
LONGEST_PAUSE = 0.05  # seconds, so that two that met do not meet again

Given = ParamSpec("Given")
Result = TypeVar("Result")


def lock_rows(rows: QuerySet[Any], *, skip_locked: bool = False) -> list[int]:
    """Lock these rows by id until the transaction ends, and return their ids; SQLite has one writer at a time anyway.

    `skip_locked` leaves out what another transaction holds, rather than wait for it. Outside a transaction it is an
    error on every database: the lock would end with this statement.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("Rows are locked inside a transaction only.")
    rows = rows.order_by()
    if connection.features.has_select_for_update:
        rows = rows.order_by("pk").select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)
    return list(rows.values_list("pk", flat=True))


def is_conflict(error: BaseException) -> bool:
    """Whether the database rolled the transaction back because of another one: it can be begun again."""
    return getattr(error.__cause__, "sqlstate", None) in CONFLICTS


def retry_conflicts(act: Callable[Given, Result]) -> Callable[Given, Result]:
    """Do this transaction again, a few times, where the database rolled it back because of another one.

    Only the outermost transaction can begin again; inside another one the error is its matter. What is decorated may
    change nothing but the database.
    """

    @functools.wraps(act)
    def retried(*args: Given.args, **given: Given.kwargs) -> Result:
        for left in reversed(range(ATTEMPTS)):
            try:
                return act(*args, **given)
            except OperationalError as error:
                if not left or connection.in_atomic_block or not is_conflict(error):
                    raise
            time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311
        raise AssertionError("The last attempt returns or raises.")

    return retried


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
