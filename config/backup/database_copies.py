"""Copies of the database in one consistent state, made while others write to it (docs/decisions/15)."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from config.backup.file_copies import HashedWriter, hash_file
from config.backup.manifest import DATABASE, FileEntry, TableEntry
from projects.audit import Head
from projects.read_snapshots import consistent_reads

Query = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class DatabaseCopy:
    """The files of the copy, and what its rows say, all of one state of the database."""

    files: dict[str, FileEntry]
    tables: dict[str, TableEntry]
    migrations: dict[str, list[str]]
    head: Head | None
    media: list[tuple[int, str]]
    artifacts: list[str]


def copy_database(folder: Path) -> DatabaseCopy:
    """Copy the database into the folder; who writes meanwhile does not wait."""
    return _copy_postgresql(folder) if connection.vendor == "postgresql" else _copy_sqlite(folder)


def _copy_sqlite(folder: Path) -> DatabaseCopy:
    """VACUUM INTO reads one state under WAL, and leaves out what was deleted."""
    target = folder / DATABASE
    source = sqlite3.connect(connection.settings_dict["NAME"], timeout=20)
    try:
        source.execute("VACUUM INTO ?", [str(target)])
    finally:
        source.close()
    return describe(sqlite_query(target), sqlite_tables(sqlite_query(target)), {DATABASE: hash_file(target)})


def sqlite_query(path: Path) -> Query:
    """Runs one query at a time on a database file that nobody writes to."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    return query


def sqlite_tables(query: Query) -> dict[str, TableEntry]:
    """Every table of a file with its number of rows."""
    names = query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    return {name: TableEntry(_sqlite_columns(query, name), _rows(query, name)) for (name,) in sorted(names)}


def _sqlite_columns(query: Query, table: str) -> list[str]:
    return [name for (name,) in query(f"SELECT name FROM pragma_table_info('{table}')")]


def _rows(query: Query, table: str) -> int:
    return int(query(f'SELECT count(*) FROM "{table}"')[0][0])


def _copy_postgresql(folder: Path) -> DatabaseCopy:
    """One COPY for each table, all in one snapshot: what COPY reads is what `\\copy … from` of psql takes."""
    files, tables = {}, {}
    with consistent_reads():
        for name in postgresql_tables(query_here):
            columns = postgresql_columns(query_here, name)
            file = f"tables/{name}.copy"
            files[file] = _copy_table(folder / file, name, columns)
            tables[name] = TableEntry(columns, _rows(query_here, name), _sequence(query_here, name))
        return describe(query_here, tables, files)


def query_here(sql: str) -> list[tuple[Any, ...]]:
    """Runs a query on Django's own connection."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def postgresql_tables(query: Query) -> list[str]:
    """Every table of the schema: the database is this installation's own."""
    return [name for (name,) in query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")]


def postgresql_columns(query: Query, table: str) -> list[str]:
    """Columns that hold data of their own; generated ones follow from these."""
    return [
        name
        for (name,) in query(
            f"SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() "
            f"AND table_name = '{table}' AND is_generated = 'NEVER' ORDER BY ordinal_position"
        )
    ]


def copy_statement(table: str, columns: Iterable[str], direction: str) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    return f'COPY "{table}" ({named}) {direction}'


def _copy_table(path: Path, table: str, columns: list[str]) -> FileEntry:
    statement = copy_statement(table, columns, "TO STDOUT")
    with connection.cursor() as cursor, HashedWriter(path) as file, cursor.copy(statement) as copy:
        for piece in copy:
            file.write(piece)
    return file.entry()


def _sequence(query: Query, table: str) -> int | None:
    """The last id that was given, which a deleted row may have had: it is never given again."""
    found = query(
        "SELECT s.last_value FROM pg_sequences s WHERE format('%I.%I', s.schemaname, s.sequencename) "
        f"= (SELECT pg_get_serial_sequence('\"{table}\"', 'id') WHERE EXISTS (SELECT FROM information_schema.columns "
        f"WHERE table_schema = current_schema() AND table_name = '{table}' AND column_name = 'id'))"
    )
    return found[0][0] if found else None


def describe(query: Query, tables: dict[str, TableEntry], files: dict[str, FileEntry]) -> DatabaseCopy:
    """What the rows of a copy say."""
    migrations: dict[str, list[str]] = {}
    for app, name in query("SELECT app, name FROM django_migrations ORDER BY app, name"):
        migrations.setdefault(app, []).append(name)
    newest = query("SELECT sequence, hash FROM projects_auditevent ORDER BY sequence DESC LIMIT 1")
    return DatabaseCopy(
        files=files,
        tables=tables,
        migrations=migrations,
        head=Head(*newest[0]) if newest else None,
        media=query("SELECT project_id, sha256 FROM annotation_media ORDER BY 1, 2"),
        artifacts=[
            sha256 for (sha256,) in query("SELECT DISTINCT artifact_sha256 FROM retraining_modelversion ORDER BY 1")
        ],
    )
