"""Make a backup of a running installation."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from config.backup.database_copies import DatabaseCopy, copy_database
from config.backup.file_copies import copy_file, hash_file
from config.backup.manifest import (
    AUDIT_HEAD,
    FORMAT,
    SECRET,
    UNFINISHED,
    BackupProblem,
    FileEntry,
    Manifest,
    fingerprint,
    write_manifest,
)
from config.environment import secret_file
from projects.regular_files import write_whole


def make_backup(folder: Path, *, at: datetime, with_secret: bool = True) -> Manifest:
    """Copy database, images, artifacts and signing key into an empty folder, the manifest last.

    The database is copied first: a file is written before the row that names it and outlives it, so that every file
    named by the copy is still there. Raises BackupProblem; a folder left without a manifest is no backup.
    """
    _check_source()
    _begin(folder)
    try:
        manifest = _copy(folder, at=at, with_secret=with_secret)
        os.sync()  # all the copies are on disk before the manifest says so
        write_manifest(folder, manifest)
        (folder / UNFINISHED).unlink()
    except OSError as why:
        raise BackupProblem(
            f"The backup was cut off: {why.strerror or why}. {folder} is not complete; remove it."
        ) from None
    return manifest


def _check_source() -> None:
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).is_file():
        raise BackupProblem(f"There is no database in {settings.HOME}, so there is nothing to back up.")


def _begin(folder: Path) -> None:
    """Take the folder, which nobody else may write a backup into."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupProblem(f"{folder} is not empty. Name a folder that is, or that is not there yet.")
        folder.chmod(0o700)
        os.close(os.open(folder / UNFINISHED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise BackupProblem(f"{folder} is not a folder, or another backup is being made in it.") from None
    except OSError as why:
        raise BackupProblem(f"{folder} cannot be written to: {why.strerror}.") from None


def _copy(folder: Path, *, at: datetime, with_secret: bool) -> Manifest:
    copied = copy_database(folder)
    files = dict(copied.files)
    absent, changed = [], []
    for name, source in _named_files(copied):
        try:
            files[name] = copy_file(source, folder / name)
        except FileNotFoundError:
            absent.append(name)
            continue
        if files[name].sha256 != Path(name).stem:
            changed.append(name)
    files.update(_write_small_files(folder, copied, with_secret=with_secret))
    return Manifest(
        format=FORMAT,
        made_at=at.isoformat(),
        engine=connection.vendor,
        migrations=copied.migrations,
        tables=copied.tables,
        audit_events=copied.head.sequence if copied.head else 0,
        secret_fingerprint=fingerprint(settings.SECRET_KEY),
        absent=absent,
        changed=changed,
        files=files,
    )


def _named_files(copied: DatabaseCopy) -> Iterator[tuple[str, Path]]:
    """The files that rows name: in the backup, and where they are now."""
    for project, sha256 in copied.media:
        part = f"{project}/{sha256[:2]}/{sha256}"
        yield f"media/{part}", Path(settings.MEDIA_HOME, part)
    for sha256 in copied.artifacts:
        yield f"artifacts/{sha256}.skops", Path(settings.ARTIFACT_HOME, f"{sha256}.skops")


def _write_small_files(folder: Path, copied: DatabaseCopy, *, with_secret: bool) -> dict[str, FileEntry]:
    """The head of the audit trail as `verify_audit --head` takes it, and the signing key where it is a file."""
    files = {}
    if copied.head:
        write_whole(folder / AUDIT_HEAD, json.dumps(asdict(copied.head)).encode() + b"\n", workplace=folder)
        files[AUDIT_HEAD] = hash_file(folder / AUDIT_HEAD)
    if with_secret and (source := secret_file(settings.HOME)):
        files[SECRET] = copy_file(source, folder / SECRET)
    return files
