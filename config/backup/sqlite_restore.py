"""SQLite: restore beside its place, verify there, and rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, connection

from config.backup.database_copies import sqlite_query, sqlite_tables
from config.backup.file_copies import copy_file
from config.backup.manifest import DATABASE, BackupProblem, Manifest
from config.backup.restored_rows import check_rows, find_data

BESIDE = ("-wal", "-shm", "-journal", "-turn")


@contextmanager
def restored(folder: Path, manifest: Manifest) -> Iterator[None]:
    """Django's connection is to the restored database, which takes its place at the end where nothing failed."""
    place = Path(connection.settings_dict["NAME"])
    _check_empty(place)
    staged = place.with_name(f"{place.name}.restoring")
    _remove(staged)
    copy_file(folder / DATABASE, staged)
    _check_whole(staged, manifest)
    connection.close()
    connection.settings_dict["NAME"] = str(staged)
    try:
        yield
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except BaseException:
        connection.close()
        _remove(staged)
        raise
    finally:
        connection.close()
        connection.settings_dict["NAME"] = str(place)
    _remove(place)
    os.replace(staged, place)
    _remove(staged)
    os.sync()


def _remove(path: Path) -> None:
    """A database with the files that SQLite and its queue of writers keep beside it."""
    for each in (path, *(path.with_name(path.name + ending) for ending in BESIDE)):
        each.unlink(missing_ok=True)


def _check_empty(place: Path) -> None:
    if not place.exists() or not place.stat().st_size:
        return
    try:
        table = find_data()
    except DatabaseError:
        raise BackupProblem(f"{place} is no database of SQLite, and not empty. Restore into an empty home.") from None
    if table:
        raise BackupProblem(f"{place} holds data already, in {table}. Restore into an empty home.")


def _check_whole(staged: Path, manifest: Manifest) -> None:
    """What SQLite itself says of the file, and the number of rows of every table."""
    query = sqlite_query(staged)
    faults = [row[0] for row in query("PRAGMA integrity_check") if row[0] != "ok"]
    if not faults and (orphan := query("PRAGMA foreign_key_check")):
        faults = [f"a row of {orphan[0][0]} names a row of {orphan[0][2]} that is not there"]
    if faults:
        raise BackupProblem(f"The database of this backup is damaged: {faults[0]}.")
    check_rows({name: table.rows for name, table in sqlite_tables(query).items()}, manifest)
