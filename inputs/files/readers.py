"""Read a file as a table, by the ending of its name."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from inputs.files.delimited import Dialect, read_delimited
from inputs.files.json_rows import read_json, read_json_lines
from inputs.files.parquet import read_parquet
from inputs.files.table import BadFile, Table

Reader = Callable[[bytes, str, Dialect], Table]

GZIP = b"\x1f\x8b"
ROW_NUMBERS = ("", "Unnamed: 0")  # how a column of row numbers is headed, by pandas and R
OTHER_FORMATS = {
    b"PAR1": "Parquet: name it .parquet",
    b"PK\x03\x04": "a ZIP archive or a workbook: save its table as CSV",
    b"\xd0\xcf\x11\xe0": "a workbook: save its table as CSV",
}


def read_table(path: str, dialect: Dialect | None = None) -> Table:
    """The table in a file. Raises BadFile for anything that is not a whole, known, non-empty file.

    A first column without a name that numbers the rows is no column: pandas and R write it beside every table.
    """
    reader_of(path)  # a name that says no format is refused before the file is read
    return parse_table(_bytes(Path(path)), Path(path).name, dialect)


def parse_table(data: bytes, name: str, dialect: Dialect | None = None) -> Table:
    """The table in the bytes of a file of this name, unpacked. Raises BadFile as `read_table`."""
    table = reader_of(name)(data, name, dialect or Dialect())
    table = replace(table, frame=_without_row_numbers(table.frame))
    names = _named(table.frame)
    if twice := names[names.duplicated()].tolist():
        raise BadFile(f"{name} names the column {twice[0]!r} twice.")
    if table.frame.empty:
        raise BadFile(f"{name} has no rows.")
    return replace(table, frame=table.frame.set_axis(names, axis=1).reset_index(drop=True))


def _named(frame: pd.DataFrame) -> "pd.Index[str]":
    """The columns' names without blanks around them; one without a name has its number."""
    names = [str(column).strip() for column in frame.columns]
    return pd.Index([name or f"column {place}" for place, name in enumerate(names, 1)])


def _without_row_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.shape[1] < 2 or str(frame.columns[0]).strip() not in ROW_NUMBERS:
        return frame
    cells = frame.iloc[:, 0].astype(str).tolist()
    counted = any(cells == [str(row + start) for row in range(len(cells))] for start in (0, 1))
    return frame.iloc[:, 1:] if counted and cells else frame


def reader_of(path: str) -> Reader:
    """What reads a file of this name. Raises BadFile where its ending says no format."""
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix not in READERS:
        raise BadFile(
            f"{Path(path).name} is not CSV, TSV, JSON, JSON lines or Parquet: name it .csv, .tsv, .json, .jsonl or "
            f".parquet, or .gz."
        )
    return READERS[suffix]


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise BadFile(f"{path} cannot be read: it is not a file.")
        data = path.read_bytes()
    except OSError as why:
        raise BadFile(f"{path} cannot be read: {why.strerror}.") from None
    if path.suffix.lower() == ".gz" or data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise BadFile(f"{path.name} is not whole gzip.") from None
    if not data.strip():
        raise BadFile(f"{path.name} is empty.")
    return data


def _text(data: bytes, name: str) -> bytes:
    """The same bytes. Raises BadFile for those of another kind of file under the name of a text."""
    for signature, kind in OTHER_FORMATS.items():
        if data.startswith(signature):
            raise BadFile(f"{name} is {kind}.")
    return data


def _csv(data: bytes, name: str, dialect: Dialect) -> Table:
    frame, decimal = read_delimited(_text(data, name), name, dialect)
    return Table(name, frame, decimal=decimal)


def _tsv(data: bytes, name: str, dialect: Dialect) -> Table:
    return _csv(data, name, replace(dialect, separator=dialect.separator or "\t"))


def _json(data: bytes, name: str, dialect: Dialect) -> Table:
    return Table(name, read_json(_text(data, name), name, dialect.encoding), typed=True, decimal=dialect.decimal or ".")


def _json_lines(data: bytes, name: str, dialect: Dialect) -> Table:
    return Table(
        name, read_json_lines(_text(data, name), name, dialect.encoding), typed=True, decimal=dialect.decimal or "."
    )


def _parquet(data: bytes, name: str, dialect: Dialect) -> Table:
    return Table(name, read_parquet(data, name), typed=True, decimal=dialect.decimal or ".")


READERS: dict[str, Reader] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
    ".pq": _parquet,
}
