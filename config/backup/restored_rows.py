"""Rows of a database: whether there are any, and whether all that were backed up are there."""

from collections.abc import Mapping

from django.db import connection

from config.backup.manifest import BackupProblem, Manifest

# Rows that an installation has before anybody has put anything into it.
OF_EVERY_DATABASE = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "jobs_beat",
    "jobs_periodicturn",
}


def find_data() -> str:
    """A table that holds data, "" where none does."""
    names = connection.introspection.table_names()
    for name in sorted(set(names) - OF_EVERY_DATABASE):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT 1 FROM "{name}" LIMIT 1')
            if cursor.fetchone():
                return name
    return ""


def check_rows(counted: Mapping[str, int], manifest: Manifest) -> None:
    """Every table has as many rows as were copied. Raises BackupProblem."""
    for name, table in manifest.tables.items():
        if counted.get(name) != table.rows:
            raise BackupProblem(
                f"The backup has {table.rows:,} rows of {name}, of which {counted.get(name, 0):,} were restored."
            )
