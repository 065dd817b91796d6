"""Reading one state while others write, without keeping them from it."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connection, connections

from config import environment
from config.sqlite.base import DatabaseWrapper
from projects import read_snapshots
from projects.models import User
from projects.read_snapshots import consistent_reads
from tests.factories import make_user


@pytest.mark.django_db
def test_inside_a_transaction_of_the_caller_nothing_changes() -> None:
    with consistent_reads():
        make_user("ada")
        assert User.objects.filter(username="ada").exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_can_write_again_afterwards_also_where_reading_failed() -> None:
    with pytest.raises(User.DoesNotExist), consistent_reads():
        User.objects.get(username="nobody")
    make_user("bo")
    assert not connection.in_atomic_block and User.objects.filter(username="bo").exists()


@pytest.mark.django_db
def test_what_another_writes_meanwhile_is_not_seen_and_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.sqlite3"
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    for sql in ("PRAGMA journal_mode=WAL", "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)"):
        other.execute(sql)
    ours = DatabaseWrapper({**connections["default"].settings_dict, "NAME": str(path), **environment.sqlite(path)})
    monkeypatch.setattr(read_snapshots, "connection", ours)

    def rows() -> int:
        with ours.cursor() as cursor:
            return int(cursor.execute("SELECT count(*) FROM t").fetchone()[0])

    with consistent_reads():
        assert rows() == 1
        other.execute("INSERT INTO t VALUES (2)")
        assert rows() == 1
    assert rows() == 2
    ours.close()
    other.close()
