"""PostgreSQL: make the tables by the migrations that the backup had, then copy every row back in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from config.backup.database_copies import copy_statement, postgresql_tables, query_here
from config.backup.file_copies import PIECE
from config.backup.manifest import BackupProblem, Manifest
from config.backup.restored_rows import OF_EVERY_DATABASE, check_rows, find_data
from projects import regular_files


@contextmanager
def restored(folder: Path, manifest: Manifest) -> Iterator[None]:
    """The rows are in the database; what the caller then finds wrong is said with how to begin again."""
    if table := find_data():
        raise BackupProblem(f"The database holds data already, in {table}. Restore into an empty one.")
    _make_tables(manifest)
    try:
        with transaction.atomic():
            _load(folder, manifest)
            check_rows({name: _count(name) for name in manifest.tables}, manifest)
    except DatabaseError as why:
        raise BackupProblem(f"The rows do not fit: {str(why).strip().splitlines()[0]}.") from None
    try:
        yield
    except BackupProblem as why:
        raise BackupProblem(f"{why} The rows are in the database: give the next try an empty one.") from None


def _make_tables(manifest: Manifest) -> None:
    """The schema as it was when the backup was made."""
    executor = MigrationExecutor(connection)
    wanted = {(app, name) for app, names in manifest.migrations.items() for name in names}
    if set(executor.loader.applied_migrations) - wanted:
        raise BackupProblem("The database has tables of another version. Restore into an empty database.")
    plan = [step for step in executor.migration_plan(executor.loader.graph.leaf_nodes()) if _key(step) in wanted]
    executor.migrate(None, plan=plan)
    if absent := sorted(set(manifest.tables) - set(postgresql_tables(query_here))):
        raise BackupProblem(f"No migration makes the table {absent[0]} of this backup.")


def _key(step: tuple[object, bool]) -> tuple[str, str]:
    migration = step[0]
    return migration.app_label, migration.name  # type: ignore[attr-defined]


def _load(folder: Path, manifest: Manifest) -> None:
    with connection.cursor() as cursor:
        for name in sorted(OF_EVERY_DATABASE & set(manifest.tables)):
            cursor.execute(f'DELETE FROM "{name}"')
    for name, table in manifest.tables.items():
        _load_table(folder / f"tables/{name}.copy", name, table.columns)
        if table.sequence is not None:
            _set_sequence(name, table.sequence)


def _load_table(path: Path, name: str, columns: list[str]) -> None:
    statement = copy_statement(name, columns, "FROM STDIN")
    with connection.cursor() as cursor, regular_files.opened(path) as (file, _), cursor.copy(statement) as copy:
        while piece := file.read(PIECE):
            copy.write(piece)


def _set_sequence(name: str, last: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{name}"', last])


def _count(name: str) -> int:
    return int(query_here(f'SELECT count(*) FROM "{name}"')[0][0])
