"""The archive's file: a ZIP with rows, images and artifacts, whose manifest has the SHA-256 of every part."""

import hashlib
import hmac
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.utils.encoding import force_bytes

from overview.project_archive.values import BadArchive
from projects.zip_files import DAMAGED, UnsafeZip, check_contents

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "signature"
PIECE = 2**20
LARGEST_MANIFEST = 2**28  # bytes
LARGEST_LINE = 2**26  # bytes of one row
PURPOSE = b"plumbline: project archive, 1"
NAMES = re.compile(r"(rows/[a-z]+\.[a-z]+|people|audit)\.jsonl|media/[0-9a-f]{64}|artifacts/[0-9a-f]{64}")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file in the archive."""

    sha256: str
    size: int


class TableOfRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of one model: their columns in order, how many, and the lowest and highest id."""

    fields: list[str]
    rows: int
    first: int | None
    last: int | None


class ArchiveManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an archive holds; `absent` are files of it that were not where they should be."""

    format: int
    exported_at: str
    slug: str
    project: dict[str, Any]
    tables: dict[str, TableOfRows]
    people: int
    audit_events: int
    absent: list[str]
    parts: dict[str, Part]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


class ArchiveWriter:
    """Writes parts one after the other, then the manifest over all of them and its signature."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.parts: dict[str, Part] = {}

    def add_lines(self, name: str, lines: Iterable[Any]) -> int:
        """One JSON value a line; returns how many."""
        count = 0

        def encoded() -> Iterator[bytes]:
            nonlocal count
            for line in lines:
                count += 1
                yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

        self.add(name, encoded(), packed=True)
        return count

    def add(self, name: str, pieces: Iterable[bytes], *, packed: bool = False) -> Part:
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self._file.open(info, "w", force_zip64=True) as part:
            for piece in pieces:
                part.write(piece)
                digest.update(piece)
                size += len(piece)
        self.parts[name] = Part(digest.hexdigest(), size)
        return self.parts[name]

    def finish(self, manifest: ArchiveManifest) -> str:
        """Write manifest and signature; returns the fingerprint by which the archive is known again."""
        data = msgspec.json.encode(manifest)
        self.add(MANIFEST, [data], packed=True)
        self.add(SIGNATURE, [_signature(settings.SECRET_KEY, data).encode()])
        return hashlib.sha256(data).hexdigest()


def _signature(secret: str | bytes, manifest: bytes) -> str:
    return hmac.digest(hmac.digest(force_bytes(secret), PURPOSE, "sha256"), manifest, "sha256").hex()


class ArchiveReader:
    """An archive whose every part was verified against its manifest before anything of it is used."""

    def __init__(self, file: zipfile.ZipFile, size: int) -> None:
        self._file = file
        self._check_table_of_contents(size)
        data = self._read_small(MANIFEST)
        self.fingerprint = hashlib.sha256(data).hexdigest()
        self.signed_here = _is_signed(data, self._read_small(SIGNATURE))
        self.manifest = _manifest(data)
        self._verify_parts()

    def _check_table_of_contents(self, size: int) -> None:
        """Names and claimed sizes, before any of it is unpacked."""
        names = self._file.namelist()
        if MANIFEST not in names:
            raise BadArchive(f"It has no {MANIFEST}: it is no project archive, or was cut off.")
        if odd := [name for name in names if name not in (MANIFEST, SIGNATURE) and not NAMES.fullmatch(name)]:
            raise BadArchive(f"It holds {odd[0][:80]!r}, which no project archive does.")
        try:
            check_contents(self._file, size)
        except UnsafeZip as why:
            raise BadArchive(str(why)) from None

    def _read_small(self, name: str) -> bytes:
        try:
            with self._file.open(name) as part:
                data = part.read(LARGEST_MANIFEST + 1)
        except KeyError:
            raise BadArchive(f"It has no {name}: it is no project archive, or was cut off.") from None
        if len(data) > LARGEST_MANIFEST:
            raise BadArchive(f"Its {name} is larger than any.")
        return data

    def _verify_parts(self) -> None:
        there = set(self._file.namelist()) - {MANIFEST, SIGNATURE}
        if there != set(self.manifest.parts):
            raise BadArchive("Its parts are not those that its manifest names.")
        for name, wanted in self.manifest.parts.items():
            digest, size = hashlib.sha256(), 0
            for piece in self.pieces(name):
                digest.update(piece)
                size += len(piece)
            if Part(digest.hexdigest(), size) != wanted:
                raise BadArchive(f"Its part {name} is not as it was written: the hash differs.")

    def pieces(self, name: str) -> Iterator[bytes]:
        with self._file.open(name) as part:
            while piece := part.read(PIECE):
                yield piece

    def read_part(self, name: str, *, most: int) -> bytes:
        """The bytes of a part that may have at most so many."""
        if self.manifest.parts[name].size > most:
            raise BadArchive(f"Its part {name} is larger than any.")
        return b"".join(self.pieces(name))

    def lines(self, name: str) -> Iterator[Any]:
        """The values of a part of lines."""
        with self._file.open(name) as part:
            while line := part.readline(LARGEST_LINE):
                if not line.endswith(b"\n"):
                    raise BadArchive(f"A line of {name} is cut off, or longer than {LARGEST_LINE:,} bytes.")
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    raise BadArchive(f"A line of {name} is no JSON.") from None


def _is_signed(manifest: bytes, signature: bytes) -> bool:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(signature, _signature(secret, manifest).encode()) for secret in secrets)


def _manifest(data: bytes) -> ArchiveManifest:
    try:
        found = msgspec.json.decode(data, type=ArchiveManifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as why:
        raise BadArchive(f"Its manifest cannot be read: {why}.") from None
    if found.format != FORMAT:
        raise BadArchive(f"It has format {found.format}; this version reads format {FORMAT}.")
    return found


@contextmanager
def opened_archive(path: Path) -> Iterator[ArchiveReader]:
    """The verified archive. Raises BadArchive, whatever is wrong with the file."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(zipfile.ZipFile(path))
            reader = ArchiveReader(file, path.stat().st_size)
        except OSError as why:
            raise BadArchive(f"It cannot be read: {why.strerror or why}.") from None
        except DAMAGED as why:
            raise BadArchive(f"It is no archive, or a damaged one: {why}.") from None
        yield reader
