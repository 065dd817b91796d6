"""Indexes of large tables are added while others write, whatever was there before."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from annotation import models
from projects.index_operations import AddIndexOnline
from projects.models import AuditEvent

BEFORE = [("annotation", "0012_fill_search_text"), ("projects", "0007_audit_by_project")]
AFTER = [("annotation", "0013_indexes"), ("projects", "0008_audit_index")]
LARGE = {"item", "prediction", "signal", "searchtext", "routeditem", "slot", "lease", "label", "labelrevision"}
LARGE |= {"resolution", "auditevent", "datasetrow", "evaluateditem", "finding"}


def operations() -> list[AddIndexOnline]:
    loader = MigrationLoader(None)
    found = [operation for name in AFTER for operation in loader.disk_migrations[name].operations]
    return [operation for operation in found if isinstance(operation, AddIndexOnline)]


def model_of(operation: AddIndexOnline) -> Any:
    return AuditEvent if operation.model_name == "auditevent" else getattr(models, operation.model_name.capitalize())


@pytest.fixture
def before(transactional_db: None) -> Iterator[None]:
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    MigrationExecutor(connection).migrate(BEFORE)
    yield
    MigrationExecutor(connection).migrate(newest)


def usable() -> set[str]:
    """The names of the indexes that queries may use."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for operation in operations():
            found |= set(connection.introspection.get_constraints(cursor, model_of(operation)._meta.db_table))
        if connection.vendor == "postgresql":
            cursor.execute("SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid WHERE NOT indisvalid")
            found -= {name for (name,) in cursor.fetchall()}
    return found


def make(operation: AddIndexOnline) -> None:
    """The index, as a migration of an earlier release added it."""
    with connection.schema_editor() as editor:
        editor.add_index(model_of(operation), operation.index)


def stop_half_way(operation: AddIndexOnline) -> None:
    """What is left of an index whose making was killed: an invalid one on PostgreSQL, nothing on SQLite."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [operation.index.name]
            )
        else:
            cursor.execute(f"DROP INDEX {operation.index.name}")


def test_no_later_migration_stops_all_writes_to_a_large_table() -> None:
    blocking = [
        f"{app}.{name} adds {operation.index.name}"
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        for operation in migration.operations
        if app in ("projects", "annotation", "analysis", "retraining", "jobs")
        and name != "0001_initial"
        and isinstance(operation, migrations.AddIndex)
        and operation.model_name.lower() in LARGE
        and (migration.atomic or not isinstance(operation, AddIndexOnline))
    ]
    assert not blocking


def test_a_database_without_the_indexes_gets_them(before: None) -> None:
    names = {operation.index.name for operation in operations()}
    assert len(names) == 10 and not names & usable()
    MigrationExecutor(connection).migrate(AFTER)
    assert names <= usable()


def test_a_database_that_has_them_keeps_them_and_what_was_stopped_half_way_is_made_again(before: None) -> None:
    for operation in operations():
        make(operation)
    stop_half_way(operations()[0])
    stop_half_way(operations()[-1])
    MigrationExecutor(connection).migrate(AFTER)
    assert {operation.index.name for operation in operations()} <= usable()
