"""CSV, JSON lines and Parquet, each also gzipped, as one kind of table in which no label changes its spelling."""

import csv
import gzip
import io
import json
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa

MOST_NAMES = 60


class BadFile(ValueError):
    """A file that cannot be analysed; the message is one line that says why."""


@dataclass(frozen=True)
class Table:
    """The rows of a file in their order; `name` is what messages call it.

    `typed`: the format distinguishes numbers from text, so that text which looks like a number is still text.
    """

    name: str
    frame: pd.DataFrame
    typed: bool = False

    def rows(self, kept: Any) -> "Table":
        """The same columns with some of the rows (n,) bool, numbered anew."""
        return replace(self, frame=self.frame[kept].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, column: str) -> bool:
        return column in self.frame

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.frame.columns]

    def __getitem__(self, column: str) -> "pd.Series[Any]":
        if column not in self.frame:
            raise BadFile(f"{self.name} has no column {column!r}; it has {list_names(self.columns)}.")
        return self.frame[column]


def list_names(names: list[str]) -> str:
    """The names in one line, the first of them where they are very many."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def read_table(path: str) -> Table:
    """The table in a file. Raises BadFile for anything that is not a whole, known, non-empty file."""
    name = Path(path).name
    reader = _reader(path)
    frame = reader(_bytes(Path(path)), name)
    frame.columns = pd.Index([str(column).strip() for column in frame.columns])
    twice = [column for column in frame.columns[frame.columns.duplicated()] if column]
    if twice:
        raise BadFile(f"{name} names the column {twice[0]!r} twice.")
    if frame.empty:
        raise BadFile(f"{name} has no rows.")
    return Table(name, frame.reset_index(drop=True), typed=reader is not _csv)


def _reader(path: str) -> Callable[[bytes, str], pd.DataFrame]:
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix not in READERS:
        raise BadFile(f"{Path(path).name} is not CSV, JSON lines or Parquet: name it .csv, .jsonl or .parquet, or .gz.")
    return READERS[suffix]


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as why:
        raise BadFile(f"{path} cannot be read: {why.strerror}.") from None
    if path.suffix.lower() == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise BadFile(f"{path.name} is not whole gzip.") from None
    if not data.strip():
        raise BadFile(f"{path.name} is empty.")
    return data


def _csv(data: bytes, name: str) -> pd.DataFrame:
    """Every cell as its text: guessing would make 7 of a label 007, and a gap of a label NA."""
    try:
        header = next(csv.reader(io.StringIO(data[: data.find(b"\n") + 1 or None].decode("utf-8-sig"))), [])
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # else cells beyond the header are dropped
            frame = pd.read_csv(
                io.BytesIO(data), dtype=str, na_filter=False, index_col=False, encoding="utf-8-sig", low_memory=False
            )
    except UnicodeDecodeError as why:
        raise BadFile(f"{name} is not UTF-8: byte {why.start} does not fit.") from None
    except pd.errors.ParserWarning:
        raise BadFile(f"{name} has rows with more cells than the header has names.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as why:
        raise BadFile(f"{name} is not whole CSV: {' '.join(str(why).split())}.") from None
    if len(header) == frame.shape[1]:
        frame.columns = pd.Index(header)  # pandas would rename what is named twice
    return frame


def _json_lines(data: bytes, name: str) -> pd.DataFrame:
    decode = msgspec.json.Decoder().decode
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            rows.append(_flat(_row(line, f"Line {number} of {name}", decode)))
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _row(line: bytes, what: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
    try:
        row = decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = _lenient(line, what)
    if not isinstance(row, dict):
        raise BadFile(f"{what} is not a JSON object.")
    return row


def _lenient(line: bytes, what: str) -> Any:
    """Many programs write NaN, which is no JSON; it counts as missing."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise BadFile(f"{what} is not JSON.") from None


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Objects inside the row become columns with a dot (`scores.spam`), lists their JSON text."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": part for inner, part in _flat(value).items()}
        else:
            flat[name] = json.dumps(value) if isinstance(value, list) else value
    return flat


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    """Nullable types, so that a gap does not make floats of whole numbers."""
    try:
        frame = pd.read_parquet(io.BytesIO(data), engine="pyarrow", dtype_backend="numpy_nullable")
    except (pa.ArrowException, OSError, ValueError):
        raise BadFile(f"{name} is not whole Parquet.") from None
    if any(frame.index.names):
        frame = frame.reset_index()
    return frame.apply(_plain_cells)


def _plain_cells(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.dtype.categories.dtype).astype(object)
    if column.dtype != object:
        return column
    return column.map(lambda cell: str(cell) if hasattr(cell, "__len__") and not isinstance(cell, str) else cell)


READERS: dict[str, Callable[[bytes, str], pd.DataFrame]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
    ".pq": _parquet,
}
