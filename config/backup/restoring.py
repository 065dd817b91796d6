"""Restore a backup into an empty home and database, verified before it is called done."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config.backup import postgresql_restore, sqlite_restore
from config.backup.file_copies import copy_file, hash_file
from config.backup.manifest import (
    AUDIT_HEAD,
    SECRET,
    BackupProblem,
    FileEntry,
    Manifest,
    fingerprint,
    load_manifest,
)
from config.environment import SECRET_FILE, secret_file
from config.stored_files import artifact_faults, media_faults
from projects import audit

STORES = {"media": "MEDIA_HOME", "artifacts": "ARTIFACT_HOME"}


@dataclass(frozen=True)
class Restored:
    """What a restore brought back and verified."""

    manifest: Manifest
    migrated: int  # migrations that were newer than the backup


def restore(folder: Path) -> Restored:
    """Bring everything back: files, signing key, then the database, which appears only once all of it is verified.

    Raises BackupProblem. Cut off, it can be begun again with the same backup.
    """
    manifest = load_manifest(folder)
    _check_fits(folder, manifest)
    _check_all_there(folder, manifest)
    _check_files_of_home(manifest)
    try:
        with _database(folder, manifest):
            _copy_stores(folder, manifest)
            _take_secret(folder, manifest)
            migrated = _migrate(manifest)
            _verify_audit(folder, manifest)
            _verify_files(manifest)
    except OSError as why:
        raise BackupProblem(f"The restore was cut off: {why.strerror or why}. It can be begun again.") from None
    return Restored(manifest, migrated)


def _database(folder: Path, manifest: Manifest) -> AbstractContextManager[None]:
    engine = postgresql_restore if connection.vendor == "postgresql" else sqlite_restore
    return engine.restored(folder, manifest)


def _check_fits(folder: Path, manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        raise BackupProblem(
            f"{folder} is a backup of {manifest.engine}, and this database is {connection.vendor}. Give it one of its "
            "own kind; from one kind to the other, projects move by export_project and import_project."
        )
    ours = set(MigrationLoader(None).disk_migrations or {})
    theirs = {(app, name) for app, names in manifest.migrations.items() for name in names}
    if unknown := sorted(theirs - ours):
        app, name = unknown[0]
        raise BackupProblem(f"{folder} was made by a newer version of Plumbline: this one has no {app}.{name}.")


def _check_all_there(folder: Path, manifest: Manifest) -> None:
    """Every file of the backup is as it was written, before anything is changed here."""
    for name, entry in manifest.files.items():
        try:
            state = hash_file(folder / name)
        except OSError as why:
            raise BackupProblem(
                f"{folder / name} cannot be read: {why.strerror or why}. Nothing was restored."
            ) from None
        _compare(name, state, entry)


def _compare(name: str, found: FileEntry, wanted: FileEntry) -> None:
    if found != wanted:
        raise BackupProblem(f"{name} is not as it was backed up: its hash differs. Nothing was restored.")


def _check_files_of_home(manifest: Manifest) -> None:
    """The home holds no file beside those of this very backup, which an earlier try may have brought."""
    for store, setting in STORES.items():
        home = Path(getattr(settings, setting))
        for path in home.rglob("*"):
            name = f"{store}/{path.relative_to(home).as_posix()}"
            if path.is_file() and name not in manifest.files:
                raise BackupProblem(f"{settings.HOME} holds data already: {path}. Restore into an empty home.")


def _copy_stores(folder: Path, manifest: Manifest) -> None:
    for name, entry in manifest.files.items():
        store, _, rest = name.partition("/")
        if store in STORES:
            target = Path(getattr(settings, STORES[store]), rest)
            target.unlink(missing_ok=True)  # of an earlier try
            _compare(name, copy_file(folder / name, target), entry)
    os.sync()


def _take_secret(folder: Path, manifest: Manifest) -> None:
    """The signing key of the backup becomes that of this home; one given by SECRET_KEY must be the same."""
    if fingerprint(settings.SECRET_KEY) == manifest.secret_fingerprint:
        return
    place = secret_file(settings.HOME)
    if place is None:
        raise BackupProblem("SECRET_KEY is not the key that this backup was made with. Give that one, or none.")
    if SECRET not in manifest.files:
        raise BackupProblem(
            f"{folder} holds no signing key. Give SECRET_KEY, or put the file {SECRET_FILE} of that installation into "
            f"{settings.HOME}."
        )
    place.unlink(missing_ok=True)  # made by this start: nothing was signed with it
    copy_file(folder / SECRET, place)
    # This process began with the key of the empty home; what it verifies was signed with the other.
    settings.SECRET_KEY = place.read_text().strip()


def _migrate(manifest: Manifest) -> int:
    """Bring an older schema up to this version. Returns how many migrations that took."""
    from django.core.management import call_command  # noqa: PLC0415  loads every command

    before = sum(len(names) for names in manifest.migrations.values())
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        return int(cursor.fetchone()[0]) - before


def _verify_audit(folder: Path, manifest: Manifest) -> None:
    exported = audit.parse_head((folder / AUDIT_HEAD).read_text()) if AUDIT_HEAD in manifest.files else None
    if broken := audit.first_break(exported):
        raise BackupProblem(f"The audit trail of this backup is broken: {broken[1]}.")


def _verify_files(manifest: Manifest) -> None:
    """Each file that a row names is there, and each model was signed with this key, but for what the manifest names."""
    faults = [*media_faults(), *artifact_faults()]
    if len(faults) > len(manifest.absent) + len(manifest.changed):
        raise BackupProblem(f"A file of this backup is not what its row says: {faults[0]}.")
