"""The manifest of a backup: what was copied, from which version of the schema, and the SHA-256 of every file.

It is written last, so a folder without one is no backup.
"""

import hmac
import re
from pathlib import Path

import msgspec
from django.utils.encoding import force_bytes

from projects.regular_files import write_whole
from validation import InvalidInput

MANIFEST = "manifest.json"
UNFINISHED = "unfinished"  # there while a backup is being made, and for ever where it was cut off
DATABASE = "database.sqlite3"
AUDIT_HEAD = "audit_head.json"
SECRET = "secret_key"
FORMAT = 1
LARGEST = 2**30  # bytes of a manifest
# Every name that a backup may hold. Nothing else is copied into a home, so no name leads out of it.
NAMES = re.compile(
    r"database\.sqlite3|audit_head\.json|secret_key|tables/[a-z0-9_]{1,63}\.copy"
    r"|media/[0-9]{1,19}/[0-9a-f]{2}/[0-9a-f]{64}|artifacts/[0-9a-f]{64}\.skops"
)


class BackupProblem(InvalidInput):
    """The backup cannot be made or restored; the message says why, in words fit for a user."""


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup: what it must hash to."""

    sha256: str
    size: int


class TableEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table as it was copied; `sequence` is the last number that its ids were given from, where it has one."""

    columns: list[str]
    rows: int
    sequence: int | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds; `absent` and `changed` are files that were so before it was made."""

    format: int
    made_at: str
    engine: str
    migrations: dict[str, list[str]]
    tables: dict[str, TableEntry]
    audit_events: int
    secret_fingerprint: str
    absent: list[str]
    changed: list[str]
    files: dict[str, FileEntry]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


def fingerprint(secret: str | bytes) -> str:
    """By which a signing key is known again; nothing can be signed with it."""
    return hmac.digest(force_bytes(secret), b"plumbline: fingerprint of the signing key, 1", "sha256").hex()[:32]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it whole or not at all: from then on the folder is a backup."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_whole(folder / MANIFEST, data, workplace=folder)


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises BackupProblem where the folder is none, or one of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        if (folder / UNFINISHED).exists():
            raise BackupProblem(f"{folder} is no complete backup: it was cut off before its manifest was written.")
        raise BackupProblem(f"{folder} holds no backup: there is no {MANIFEST} in it.")
    if path.stat().st_size > LARGEST:
        raise BackupProblem(f"{path} is larger than any manifest.")
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as why:
        raise BackupProblem(f"{path} is no manifest of a backup: {why}.") from None
    if known.format != FORMAT:
        raise BackupProblem(f"{path} has format {known.format}; this version reads format {FORMAT}.")
    if odd := [name for name in known.files if not NAMES.fullmatch(name)]:
        raise BackupProblem(f"{path} names {odd[0]!r}, which no backup holds.")
    return known
