"""Columns of a table as labels, as numbers, as truths, or as the input type that they look like."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inputs.columns import guess_type
from inputs.files.cells import parse_compact_dates, parse_numbers, parse_times
from inputs.files.spellings import TRUTHS, LabelColumn, folded
from inputs.files.table import BadFile, Table
from validation.arrays import LARGEST

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = re.compile(r"[+-]?\d+\.0+")
NUMBERED = re.compile(r"-?\d+")
LEADING_ZERO = r"[+-]?0\d+"
GUESSED_FROM = 5000
NUMBER_TYPES = ("integer", "floating", "mixed-integer-float", "decimal", "empty", "time", "timedelta", "timedelta64")


@dataclass(frozen=True)
class Words:
    """A column of labels or names. `codes` (n,): place in `names`, -1 where missing; names are in natural order.

    `as_written`: each name as the file spells it, so that what goes out can be joined with what came in.
    """

    codes: Ints
    names: tuple[str, ...]
    as_written: tuple[Any, ...]

    @property
    def known(self) -> Bools:
        return self.codes >= 0

    def called(self, name: str) -> LabelColumn:
        """Its labels under the name that messages call them by."""
        return LabelColumn(name, self.names)


def word(cell: Any) -> str | None:
    """One spelling of a label, whatever column or format it stands in: 1, 1.0 and " 1" are "1". None: missing."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, float) and not np.isfinite(cell):
        return None if np.isnan(cell) else str(cell)
    text = unicodedata.normalize("NFC", str(cell).strip())
    if text.lower() in ("", "nan"):
        return None
    return text.split(".")[0] if WHOLE.fullmatch(text) else text


def words(table: Table, column: str) -> Words:
    """A column's labels, each spelt once; numbers in the order of numbers, the rest in that of letters."""
    found, cells = pd.factorize(table[column].to_numpy(dtype=object, na_value=None), use_na_sentinel=True)
    spelt = [word(cell) for cell in cells]
    written: dict[str, Any] = {}
    for cell, name in zip(cells, spelt, strict=True):
        if name is not None:
            written.setdefault(name, cell.strip() if isinstance(cell, str) else _plain(cell, name))
    names = natural(written)
    place = {name: at for at, name in enumerate(names)}
    codes = np.array([-1 if name is None else place[name] for name in spelt] + [-1], dtype=np.int64)[found]
    return Words(codes, names, tuple(written[name] for name in names))


def _plain(cell: Any, name: str) -> Any:
    """The cell as JSON may hold it."""
    value = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(value, float):
        return int(value) if value.is_integer() else value if np.isfinite(value) else name
    return value if isinstance(value, int) else name


def natural(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted: 2 before 10 where all are whole numbers, else by letters."""
    kept = list(names)
    return tuple(sorted(kept, key=int) if all(NUMBERED.fullmatch(name) for name in kept) else sorted(kept))


def coded(table: Table, column: str, names: Sequence[str]) -> Ints:
    """The column's labels as places in `names`: -1 where missing, -2 where the label is none of them."""
    given = words(table, column)
    place = {name: at for at, name in enumerate(names)}
    return np.array([place.get(name, -2) for name in given.names] + [-1], dtype=np.int64)[given.codes]


def numbers(table: Table, column: str) -> Floats:
    """The column as floats (n,), NaN where missing. Raises BadFile, naming the first cell that is no number."""
    found, bad = parse_numbers(table[column], table.decimal)
    if bad.any():
        row = int(np.argmax(bad))
        cell = str(table[column].iloc[row])[:40]
        raise BadFile(f"{table.name} has {cell!r} in column {column!r}, row {row}, where a number is needed.")
    return found


def truths(table: Table, column: str) -> tuple[Bools, Bools]:
    """A column of 0 and 1 (or another spelling of false and true): its values, and where it is known."""
    given = words(table, column)
    bad = [name for name in given.names if folded(name) not in TRUTHS]
    if bad:
        raise BadFile(f"{table.name} has {bad[0][:40]!r} in column {column!r}, which must hold 0 or 1.")
    values = np.array([TRUTHS[folded(name)] == "true" for name in given.names] + [False], dtype=bool)
    return values[given.codes], given.known


def texts(table: Table, column: str) -> list[str]:
    """The column as text, empty where missing."""
    series = table[column]
    return list(series.astype(str).where(~series.isna(), ""))


def typed_columns(tables: Sequence[Table], names: Sequence[str]) -> tuple[list[dict[str, Array]], dict[str, str]]:
    """For each table a dict of columns, and the input type of each, one for all tables together.

    number: what the format calls so, or in text where every cell that is not missing is one and none has a leading
    zero; time: what the format calls so, or cells that all are dates. Otherwise boolean, text (long and varied) or
    category. Numbers come as floats, times as datetime64 in UTC, all others as texts or None. Raises BadFile for
    missing columns and for infinite numbers.
    """
    found: list[dict[str, Array]] = [{} for _ in tables]
    kinds: dict[str, str] = {}
    for name in names:
        kinds[name], columns = _typed(tables, name)
        for side, column in zip(found, columns, strict=True):
            side[name] = column
    return found, kinds


def take_typed_columns(table: Table, names: Sequence[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """`typed_columns` of one table, which gives up each column: a large table is not held twice. Raises BadFile."""
    found: dict[str, Array] = {}
    kinds: dict[str, str] = {}
    for name in names:
        (own,), kind = typed_columns([table], [name])
        found, kinds = found | own, kinds | kind
        table.frame.drop(columns=name, inplace=True)
    return found, kinds


def _typed(tables: Sequence[Table], name: str) -> tuple[str, list[Array]]:
    parts = [table[name] for table in tables]
    if dates := parse_compact_dates(parts):
        return "time", list(dates)
    if numbers_found := _as_numbers(tables, name):
        for table, column in zip(tables, numbers_found, strict=True):
            _refuse_vast(table, name, column)
        return "number", numbers_found
    if times := parse_times(parts):
        return "time", list(times)
    columns = [_as_words(part) for part in parts]
    kind = "boolean" if all(_is_boolean(part) for part in parts) else guess_type(_sample(columns[0]))
    return ("category" if kind == "number" else kind), columns


def _refuse_vast(table: Table, name: str, column: Floats) -> None:
    vast = np.abs(column) > LARGEST
    if vast.any():
        row = int(np.argmax(vast))
        raise BadFile(
            f"{table.name} has infinite or absurdly large numbers in column {name!r}: {column[row]:g} in row {row}."
        )


def _as_numbers(tables: Sequence[Table], name: str) -> list[Array] | None:
    if not all(_may_be_numbers(table, name) for table in tables):
        return None
    found: list[Array] = []
    for table in tables:
        values, bad = parse_numbers(_hours(table[name]), table.decimal)
        if bad.any():
            return None
        found.append(values)
    return found if any(np.isfinite(values).any() for values in found) else None


def _may_be_numbers(table: Table, name: str) -> bool:
    series = table[name]
    if pd.api.types.is_numeric_dtype(series.dtype):
        return not pd.api.types.is_bool_dtype(series.dtype)
    if table.typed:
        return pd.api.types.infer_dtype(series, skipna=True) in NUMBER_TYPES
    return not bool(series.iloc[:GUESSED_FROM].astype(str).str.fullmatch(LEADING_ZERO).any())


def _hours(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Times of day and lengths of time as hours; any other column as it is."""
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in ("timedelta", "timedelta64"):
        return pd.to_timedelta(series).dt.total_seconds() / 3600
    if kind != "time":
        return series
    return series.map(lambda at: at.hour + at.minute / 60 + at.second / 3600, na_action="ignore").astype(float)


def _is_boolean(series: "pd.Series[Any]") -> bool:
    return bool(pd.api.types.infer_dtype(series, skipna=True) == "boolean")


def _as_words(series: "pd.Series[Any]") -> Array:
    """Objects (n,): one spelling per value, None where missing."""
    codes, cells = pd.factorize(series.to_numpy(dtype=object, na_value=None), use_na_sentinel=True)
    return np.asarray(np.array([word(cell) for cell in cells] + [None], dtype=object)[codes])


def _sample(column: Array) -> Array:
    return column[:: max(1, column.size // GUESSED_FROM)]
