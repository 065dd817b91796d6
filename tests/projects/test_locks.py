"""Transactions that the database rolled back because of another one begin again, a few times."""

import pytest
from django.db import OperationalError, transaction

from projects import locks
from projects.models import Project


class Rejected(Exception):
    """A driver's error with a SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class Transaction:
    """Fails with this SQLSTATE so many times, then says how often it was begun."""

    def __init__(self, sqlstate: str, failures: int) -> None:
        self.sqlstate, self.failures, self.begun = sqlstate, failures, 0

    def __call__(self) -> int:
        self.begun += 1
        if self.begun <= self.failures:
            raise OperationalError(self.sqlstate) from Rejected(self.sqlstate)
        return self.begun


def run(act: Transaction) -> int:
    def do() -> int:
        return act()

    return locks.retry_conflicts(do)()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LONGEST_PAUSE", 0.0)


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
def test_a_deadlock_or_a_serialization_failure_is_begun_again(sqlstate: str) -> None:
    assert run(Transaction(sqlstate, failures=locks.ATTEMPTS - 1)) == locks.ATTEMPTS


def test_what_fails_every_time_is_raised() -> None:
    act = Transaction("40P01", failures=locks.ATTEMPTS)
    with pytest.raises(OperationalError):
        run(act)
    assert act.begun == locks.ATTEMPTS


@pytest.mark.parametrize("sqlstate", ["53300", "57P01", "55P03"])
def test_any_other_failure_is_raised_at_once(sqlstate: str) -> None:
    act = Transaction(sqlstate, failures=1)
    with pytest.raises(OperationalError):
        run(act)
    assert act.begun == 1


@pytest.mark.django_db
def test_a_part_of_a_transaction_is_not_begun_again() -> None:
    """The whole was rolled back: only its beginning can be begun again."""
    act = Transaction("40P01", failures=1)
    with transaction.atomic(), pytest.raises(OperationalError):
        run(act)
    assert act.begun == 1


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_inside_a_transaction_only_on_every_database() -> None:
    """SQLite would not say so, and the same call would fail on PostgreSQL."""
    with pytest.raises(transaction.TransactionManagementError, match="inside a transaction"):
        locks.lock_rows(Project.objects.all())
    with transaction.atomic():
        assert locks.lock_rows(Project.objects.all()) == []
