"""Rows that several tests read: written once, inside a transaction that is rolled back after the last of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def undone() -> Iterator[None]:
    """A transaction whose writes are undone at its end.

    A test that asks for the database inside it has its own savepoint, and changes these rows for itself alone.
    """
    rows = transaction.atomic()
    rows._from_testcase = True  # type: ignore[attr-defined]  # as in Django's TestCase: atomic(durable=True) is allowed
    with rows:
        yield
        transaction.set_rollback(True)
