"""Reading writes nothing: no page and no call that only reads takes the database's write lock, or waits for it."""

import sqlite3
from typing import Any, cast

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.environment import SQLITE_OPTIONS
from config.sqlite.base import Cursor
from projects import locks, members
from projects.models import ApiKey, Project, Scope, User
from tests.test_guards import CALLS, OURS, ProjectPair, Route, bearer, pair, pair_rows  # noqa: F401  a fixture

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN", "SAVEPOINT", "WITH")
# Opening a one-time link, or the first page of a session, is no read.
READS = [route for route in [*OURS, *CALLS] if "GET" in route.methods and route.name != "sign-in-link"]


def path_of(route: Route, values: dict[str, Any]) -> str:
    return route.at(values)


def status_of(client: Client, path: str, headers: dict[str, str]) -> int:
    """The status of an answer that is read to its end and closed, as a browser does also with a file."""
    answer = client.get(path, headers=headers)
    b"".join(answer) if answer.streaming else answer.content
    answer.close()
    return answer.status_code


@pytest.mark.parametrize("route", READS, ids=str)
def test_a_get_takes_no_write_lock(pair: ProjectPair, route: Route, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    path, headers = path_of(route, pair.own), {}
    if route in CALLS:
        owner, own = User.objects.get(username="admin"), Project.objects.get(slug="own")
        headers = bearer(members.create_key(own, owner, list(Scope), by=owner, at=timezone.now())[1])
        monkeypatch.setattr(locks, "write_if_free", lambda write: False)  # does not wait; tested below
    client = pair.people["root"]
    if status_of(client, path, headers) == 405:
        return
    with CaptureQueriesContext(
        connection,
    ) as queries:
        status_of(client, path, headers)
    written = [query["sql"] for query in queries if query["sql"].startswith(WRITES)]
    assert written == []


@pytest.mark.django_db
def test_a_small_write_is_done_where_nothing_is_in_its_way() -> None:
    assert locks.write_if_free(lambda: ApiKey.objects.update(last_used_at=None))


@pytest.mark.django_db
def test_a_small_write_is_left_undone_where_it_would_wait() -> None:
    def blocked() -> None:
        raise OperationalError("database is locked")

    assert not locks.write_if_free(blocked)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (cast(int, SQLITE_OPTIONS["timeout"]) * 1000,)
    assert transaction.get_connection().in_atomic_block  # the test's own transaction goes on


def test_whoever_does_not_wait_does_not_queue_for_the_write_lock_either(tmp_path: Any) -> None:
    path = tmp_path / "d.sqlite3"
    holder, other = sqlite3.connect(path, isolation_level=None), sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("CREATE TABLE t (a)")
    holder.execute("BEGIN IMMEDIATE")
    other.execute("PRAGMA busy_timeout = 0")
    cursor = other.cursor(factory=Cursor)
    cursor.queue_path = str(tmp_path)  # a folder: opening it as the lock would raise
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        cursor.execute("BEGIN IMMEDIATE")
    holder.close()
    other.close()
