"""Triggers that refuse UPDATE and DELETE: what was written stays, whatever code or console asks for.

A migration of each app protects its tables. On SQLite a later migration that rebuilds a table drops its triggers, so it
must protect the table again; a test looks for every one of them after all migrations.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, migrations

TABLES = ("projects_auditevent", "annotation_labelrevision", "retraining_release", "retraining_decisionrule")
VERBS = ("UPDATE", "DELETE")


def protection(*tables: str) -> migrations.RunPython:
    """The operation of a migration that makes these tables append-only."""
    return migrations.RunPython(_step(protect, tables), _step(release, tables))


def _step(act: Callable[..., None], tables: tuple[str, ...]) -> Callable[[Any, Any], None]:
    def step(apps: Any, schema_editor: Any) -> None:
        act(schema_editor.connection, *tables)

    return step


def protect(database: Any, *tables: str) -> None:
    """Make the triggers, where they are not there yet."""
    make = _protect_postgresql if database.vendor == "postgresql" else _protect_sqlite
    release(database, *tables)
    with database.cursor() as cursor:
        for table in tables:
            make(cursor, table)


def _protect_sqlite(cursor: Any, table: str) -> None:
    for verb in VERBS:
        cursor.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {verb} refused'); END"
        )


def _protect_postgresql(cursor: Any, table: str) -> None:
    cursor.execute(
        "CREATE OR REPLACE FUNCTION plumbline_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for verb in VERBS:
        cursor.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION plumbline_append_only()"
        )
    cursor.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION plumbline_append_only()"
    )


def release(database: Any, *tables: str) -> None:
    """Drop the triggers; a migration that goes back needs it, and `lifted`."""
    with database.cursor() as cursor:
        for table in tables:
            for verb in (*VERBS, "TRUNCATE"):
                on = f" ON {table}" if database.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb.lower()}{on}")


@contextmanager
def lifted(*tables: str) -> Iterator[None]:
    """Lift the protection for a while, inside one transaction of the caller: for erasing on a person's request."""
    release(connection, *tables)
    yield
    protect(connection, *tables)


def protected(database: Any) -> set[str]:
    """Names of the triggers that stand now."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if database.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with database.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}
