"""A ZIP of images as a table: the one inside it, with its images in place of their names, or a row for each image."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

from inputs.files.delimited import decode, parse_rows, recognise_separator
from inputs.files.table import BadFile
from projects.zip_files import UnsafeZip, opened_zip

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
SEPARATED, LINES = (".csv", ".tsv"), (".jsonl", ".ndjson")
LARGEST_PICTURE = 32 << 20
LARGEST_TABLE = 64 << 20
MOST_PICTURES = 100_000
SYSTEM_FILES = {"thumbs.db", "desktop.ini"}
KEY, IMAGE, FOLDER = "key", "image", "folder"


def is_image_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def table_parts(stream: BinaryIO, *, name: str, size: int) -> Iterator[bytes]:
    """The bytes of the table, row by row, the first of which is its ending: .csv or .jsonl. Raises UnsafeZip."""
    with opened_zip(stream, size, name=name) as file:
        contents = _Contents(file, name)
        if contents.table is None:
            yield b".jsonl"
            yield from contents.rows_of_pictures()
        elif contents.table.filename.lower().endswith(SEPARATED):
            yield b".csv"
            yield from contents.separated()
        else:
            yield b".jsonl"
            yield from contents.lines()
        if left := contents.unnamed():
            raise UnsafeZip(
                f"{name} holds images that no row names, such as {left[:80]}: name them, or leave them out."
            )


class _Contents:
    """What the ZIP holds: pictures by their path, and at most one table."""

    def __init__(self, file: ZipFile, name: str) -> None:
        self._file, self._name = file, name
        parts = [part for part in file.infolist() if not part.is_dir() and not _is_of_the_system(part)]
        self._pictures = {part.filename: part for part in parts if part.filename.lower().endswith(PICTURES)}
        tables = [part for part in parts if part.filename.lower().endswith(SEPARATED + LINES)]
        other = [part for part in parts if part.filename not in self._pictures and part not in tables]
        if other:
            raise UnsafeZip(f"{name} holds {other[0].filename[:80]!r}; images and one CSV or JSONL file are taken.")
        if not 0 < len(self._pictures) <= MOST_PICTURES:
            raise UnsafeZip(f"{name} holds {len(self._pictures):,} images; 1 to {MOST_PICTURES:,} are taken.")
        if len(tables) > 1:
            raise UnsafeZip(f"{name} holds {len(tables)} tables; at most one is taken.")
        self._refuse_large([*self._pictures.values(), *tables])
        self.table = tables[0] if tables else None
        self._named: set[str] = set()

    def _refuse_large(self, parts: list[ZipInfo]) -> None:
        for part in parts:
            most = LARGEST_PICTURE if part.filename in self._pictures else LARGEST_TABLE
            if part.file_size > most:
                raise UnsafeZip(f"{self._name} holds {part.filename[:80]}, which has more than {most >> 20} MiB.")

    def unnamed(self) -> str:
        """A picture that no row named, "" where there is none."""
        return next((path for path in self._pictures if path not in self._named), "")

    def rows_of_pictures(self) -> Iterator[bytes]:
        """A row for each picture: its path as key, and the folder that it is in."""
        for path in self._pictures:
            folder = PurePosixPath(path).parent.name
            yield _line({KEY: path, **({FOLDER: folder} if folder else {}), IMAGE: self._in_base64(path)})

    def separated(self) -> Iterator[bytes]:
        """The rows of the CSV file, each with a key where the file has none."""
        text = self._text_of_table()
        rows = parse_rows(text, recognise_separator(text))
        header = next(rows, [])
        adds_key = KEY not in header
        yield _cells([*([KEY] if adds_key else []), *header])
        for row in filter(None, rows):
            paths = [self._path_of(cell) for cell in row]
            cells = [self._in_base64(path) if path else cell for path, cell in zip(paths, row, strict=True)]
            yield _cells([*([next(filter(None, paths), "")] if adds_key else []), *cells])

    def lines(self) -> Iterator[bytes]:
        """The rows of the JSONL file, each with a key where it has none."""
        for number, line in enumerate(self._text_of_table().splitlines()):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise UnsafeZip(f"{self._name}: row {number} of its table is no JSON.") from None
            if not isinstance(row, dict):
                raise UnsafeZip(f"{self._name}: row {number} of its table is no object.")
            given = row.get("inputs")
            inside = self._with_pictures(given) if isinstance(given, dict) else ({}, "")
            filled, path = self._with_pictures(row)
            filled |= {"inputs": inside[0]} if isinstance(given, dict) else {}
            key = path or inside[1]
            yield _line({KEY: key, **filled} if key else filled)

    def _with_pictures(self, row: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The row with its pictures, and the path of the first."""
        paths = {name: self._path_of(value) for name, value in row.items() if isinstance(value, str)}
        filled = {name: self._in_base64(path) for name, path in paths.items() if path}
        return {**row, **filled}, next(filter(None, paths.values()), "")

    def _path_of(self, cell: str) -> str:
        """The picture that the cell names, from the table's folder or from the top; "" where it names none."""
        if self.table is None or not cell.lower().endswith(PICTURES):
            return ""
        written = cell.strip().replace("\\", "/").removeprefix("./")
        for path in (str(PurePosixPath(self.table.filename).parent / written), written):
            if path in self._pictures:
                return path
        return ""

    def _in_base64(self, path: str) -> str:
        self._named.add(path)
        return base64.b64encode(self._file.read(self._pictures[path])).decode()

    def _text_of_table(self) -> str:
        assert self.table is not None
        try:
            return decode(self._file.read(self.table), PurePosixPath(self.table.filename).name)
        except BadFile as why:
            raise UnsafeZip(str(why)) from None


def _is_of_the_system(part: ZipInfo) -> bool:
    """Files that desktops put beside those of people."""
    path = PurePosixPath(part.filename)
    return path.name.startswith(".") or path.parts[:1] == ("__MACOSX",) or path.name.lower() in SYSTEM_FILES


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"  # in ASCII: half of a surrogate pair, which JSON may write, has no UTF-8


def _cells(row: list[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(row)
    return written.getvalue().encode()
