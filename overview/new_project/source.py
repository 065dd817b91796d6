"""What a project is made from: an uploaded file or a sample request, with a guess for each of its columns."""

import gzip
import json
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath

from annotation import uploads
from annotation.exchange.rows import UnusableFile
from annotation.importing import format_of_name
from annotation.models import StoredUpload
from inputs.files.column_roles import ColumnGuess, ColumnRole, default_role, explain, guess_columns
from inputs.files.delimited import EXCEL_HINT, Dialect, decode, recognise_encoding, recognise_separator
from inputs.files.profiles import ColumnProfile, profile_columns
from inputs.files.readers import GZIP, parse_table, reader_of
from inputs.files.table import BadFile, Table
from inputs.registry import INPUT_TYPES

LARGEST = 64 << 20  # bytes of a file that a page looks through while somebody waits
LARGEST_UNPACKED = 256 << 20
MOST_COLUMNS = 400
SAMPLE = "sample request.json"
WESTERN = "cp1252"  # what Excel writes in Western Europe
INSIDE = "inputs."
API_ROLES = {
    "key": ColumnRole.KEY,
    "at": ColumnRole.TIME_OF_ROW,
    "model_version": ColumnRole.VERSION,
    "label": ColumnRole.PREDICTED,
    "value": ColumnRole.PREDICTED,
    "label_known": ColumnRole.LABEL,
}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", WESTERN: "Windows-1252"}


@dataclass(frozen=True)
class ProjectSource:
    """A file, looked through. `imports`: its rows become items; those of a sample request do not."""

    name: str
    size: int
    rows: int
    columns: tuple[ColumnProfile, ...]
    guesses: tuple[ColumnGuess, ...]
    dialect: Dialect
    format_name: str
    decimal: str = "."

    @property
    def imports(self) -> bool:
        return self.name != SAMPLE

    @property
    def written(self) -> str:
        """How the file is written, in words: comma, UTF-8, names in line 1."""
        if self.format_name != "csv":
            return {"jsonl": "JSON, names in each row", "parquet": "Parquet, columns with types"}[self.format_name]
        encoding = self.dialect.encoding or "utf-8"
        words = [
            SEPARATORS.get(self.dialect.separator or ",", self.dialect.separator or ","),
            *(["decimal comma"] if self.decimal == "," else []),
            ENCODINGS.get(encoding, encoding.upper()),
        ]
        return f"{', '.join(words)}, names in line 1"


EMPTY = ProjectSource("", 0, 0, (), (), Dialect(), "")


def examine(upload: StoredUpload, dialect: Dialect) -> ProjectSource:
    """The file with its columns and guesses. Raises UnusableFile or BadFile with one sentence."""
    if upload.size > LARGEST:
        raise UnusableFile(too_large(upload.sent_name, upload.size))
    return _examined(upload.uid, dialect)


def too_large(name: str, size: int) -> str:
    return (
        f"{name} has {size >> 20:,} MiB; this page looks through {LARGEST >> 20}. Start with its first rows, then "
        f"import the whole file into the project."
    )


@lru_cache(maxsize=8)  # a file never changes, and every change of a field asks again
def _examined(uid: str, dialect: Dialect) -> ProjectSource:
    upload = StoredUpload.objects.get(uid=uid)
    reader_of(upload.name)
    with uploads.opened(upload) as stream:
        data = _unpacked(stream.read(), upload.name)
    format_name = "jsonl" if _ending(upload.name) == ".json" else format_of_name(upload.name)
    table, used = _table(data, upload.name, dialect, format_name)
    if len(table.columns) > MOST_COLUMNS:
        raise BadFile(f"{upload.sent_name} has {len(table.columns):,} columns; this page takes {MOST_COLUMNS}.")
    profiles = profile_columns(table)
    named = any(name.startswith(INSIDE) for name in table.columns)
    guesses = [_api_guess(one) for one in profiles] if named else guess_columns(profiles, table)
    return ProjectSource(
        upload.sent_name, upload.size, len(table), tuple(profiles), tuple(guesses), used, format_name, table.decimal
    )


def _table(data: bytes, name: str, dialect: Dialect, format_name: str) -> tuple[Table, Dialect]:
    """The table, and the dialect in which it is read; a text that is not UTF-8 is tried as Excel writes it."""
    try:
        table = parse_table(data, name, dialect)
    except BadFile as why:
        if format_name != "csv" or dialect.encoding:
            raise
        dialect = replace(dialect, encoding=WESTERN)
        try:
            table = parse_table(data, name, dialect)
        except BadFile:
            raise why from None
    return table, _written(data, name, dialect, table) if format_name == "csv" else dialect


def _written(data: bytes, name: str, dialect: Dialect, table: Table) -> Dialect:
    encoding = dialect.encoding or recognise_encoding(data)
    text = decode(data[: 1 << 20], name, encoding) if encoding == WESTERN else decode(data, name, encoding)
    hint = EXCEL_HINT.match(text)
    tab = "\t" if _ending(name) == ".tsv" else None
    separator = dialect.separator or (hint.group(1) if hint else tab or recognise_separator(text))
    return Dialect(separator, table.decimal, encoding)


def _ending(name: str) -> str:
    return PurePath(name.lower().removesuffix(".gz")).suffix


def _unpacked(data: bytes, name: str) -> bytes:
    """The bytes of the file, unpacked where it is gzip, however small it is packed. Raises BadFile."""
    if data.startswith(GZIP):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unpacker.decompress(data, LARGEST_UNPACKED)
        except (zlib.error, gzip.BadGzipFile):
            raise BadFile(f"{name} is not whole gzip.") from None
        if unpacker.unconsumed_tail:
            raise BadFile(f"{name} unpacks to more than {LARGEST_UNPACKED >> 20} MiB; start with its first rows.")
        if not unpacker.eof:
            raise BadFile(f"{name} is not whole gzip.")
    if not data.strip():
        raise BadFile(f"{name} is empty.")
    return data


def _api_guess(column: ColumnProfile) -> ColumnGuess:
    """The role of a part of a body of the predictions call."""
    before, _, rest = column.name.partition(".")
    if before == "inputs":
        role = default_role(column) if column.differs or column.n > 1 else _single(column)
    elif before in ("segment", "scores") and rest:
        role = ColumnRole.SEGMENT if before == "segment" else ColumnRole.SCORES
    else:
        role = API_ROLES.get(column.name, ColumnRole.IGNORE)
    return explain(column, role)


def _single(column: ColumnProfile) -> ColumnRole:
    """Of one value alone: several words are a text."""
    role = default_role(column)
    return ColumnRole.TEXT if role == ColumnRole.CATEGORY and column.words > 1 else role


def sample_rows(text: str) -> bytes:
    """The rows of a pasted body as one JSON array. Raises UnusableFile with one sentence."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise UnusableFile("The sample is nested too deeply.") from None
    except ValueError as why:
        found = _lines(text)
        if found is None:
            raise UnusableFile(f"The sample is not JSON: {why}.") from None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UnusableFile("The sample is a JSON array of rows, or one row: objects with key and inputs.")
    if not all(isinstance(row.get("inputs"), dict) and row["inputs"] for row in rows):
        raise UnusableFile('Each row needs "inputs": an object with a value for each input of the model.')
    return json.dumps(rows).encode()


def _lines(text: str) -> list[object] | None:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def input_types() -> list[str]:
    """The types that a person can choose for an input."""
    return list(INPUT_TYPES.names())
