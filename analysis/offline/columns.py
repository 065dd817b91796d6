"""Columns of a table as labels, as numbers, as truths, or as whatever kind they look like."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.metrics.core.validation import LARGEST
from analysis.metrics.drift.column_tests import Kind, kind_of
from analysis.offline.readers import BadFile, Table

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GAPS = ("", "nan", "na", "n/a", "null", "none", "<na>")  # what stands for no number, in any case
WHOLE = re.compile(r"[+-]?\d+\.0+")
NUMBERED = re.compile(r"-?\d+")
LEADING_ZERO = r"[+-]?0\d+"
DATE = r"\d{4}-\d{2}-\d{2}([T ].*)?"
TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
GUESSED_FROM = 5000
NUMBER_TYPES = ("integer", "floating", "mixed-integer-float", "decimal", "empty")


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


def word(cell: Any) -> str | None:
    """One spelling of a label, whatever column or format it stands in: 1, 1.0 and " 1" are "1". None: missing."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, float) and not np.isfinite(cell):
        return None if np.isnan(cell) else str(cell)
    text = str(cell).strip()
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
    found, bad = _parsed(table[column])
    if bad.any():
        row = int(np.argmax(bad))
        cell = str(table[column].iloc[row])[:40]
        raise BadFile(f"{table.name} has {cell!r} in column {column!r}, row {row}, where a number is needed.")
    return found


def _parsed(series: "pd.Series[Any]") -> tuple[Floats, Bools]:
    """Floats (n,), and which of the cells that are not missing are no numbers."""
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(series), dtype=bool)
    text = series.astype(str).str.strip()
    gap = (series.isna() | text.str.lower().isin(GAPS)).to_numpy(dtype=bool)
    found = pd.to_numeric(text.where(~gap), errors="coerce").to_numpy(dtype=np.float64)
    return found, np.isnan(found) & ~gap


def truths(table: Table, column: str) -> tuple[Bools, Bools]:
    """A column of 0 and 1 (or true and false, yes and no): its values, and where it is known."""
    given = words(table, column)
    bad = [name for name in given.names if name.lower() not in TRUTHS]
    if bad:
        raise BadFile(f"{table.name} has {bad[0][:40]!r} in column {column!r}, which must hold 0 or 1.")
    values = np.array([TRUTHS[name.lower()] for name in given.names] + [False], dtype=bool)
    return values[given.codes], given.known


def texts(table: Table, column: str) -> list[str]:
    """The column as text, empty where missing."""
    series = table[column]
    return series.astype(str).where(~series.isna(), "").tolist()


def features(
    tables: Sequence[Table], names: Sequence[str], *, dates: bool = False
) -> tuple[list[Any], dict[str, Kind]]:
    """For each table a dict of columns as measures take them, and the kind of each, one for all tables together.

    number: what the format calls so, or in CSV where every cell that is not missing parses as one and none has a
    leading zero; dates count as numbers, of seconds, where asked. Otherwise text (long and varied) or category. Raises
    BadFile for missing columns and for infinite numbers.
    """
    found: list[dict[str, Array]] = [{} for _ in tables]
    kinds: dict[str, Kind] = {}
    for name in names:
        parts = [table[name] for table in tables]
        numbers_only = all(_may_be_numbers(table, name) for table in tables)
        columns = (_as_numbers(parts) if numbers_only else None) or (_as_seconds(parts) if dates else None)
        if columns:
            kinds[name] = "number"
            for table, column in zip(tables, columns, strict=True):
                _refuse_wild(table, name, column)
        else:
            columns = [_as_words(part) for part in parts]
            kinds[name] = kind_of(_sample(columns[0]))
            if kinds[name] == "number":
                kinds[name] = "category"
        for side, column in zip(found, columns, strict=True):
            side[name] = column
    return found, kinds


def _refuse_wild(table: Table, name: str, column: Floats) -> None:
    wild = np.abs(column) > LARGEST
    if wild.any():
        row = int(np.argmax(wild))
        raise BadFile(
            f"{table.name} has infinite or absurdly large numbers in column {name!r}: {column[row]:g} in row {row}."
        )


def _may_be_numbers(table: Table, name: str) -> bool:
    series = table[name]
    if pd.api.types.is_numeric_dtype(series.dtype):
        return not pd.api.types.is_bool_dtype(series.dtype)
    if table.typed:
        return pd.api.types.infer_dtype(series, skipna=True) in NUMBER_TYPES
    return not bool(series.iloc[:GUESSED_FROM].astype(str).str.fullmatch(LEADING_ZERO).any())


def _as_numbers(parts: Sequence["pd.Series[Any]"]) -> list[Array] | None:
    found: list[Array] = []
    for part in parts:
        values, bad = _parsed(part)
        if bad.any():
            return None
        found.append(values)
    return found if any(np.isfinite(values).any() for values in found) else None


def _as_seconds(parts: Sequence["pd.Series[Any]"]) -> list[Array] | None:
    found: list[Array] = []
    for part in parts:
        text = part.astype(str).where(~part.isna(), "").str.strip()
        gap = text.str.lower().isin(GAPS) | (text == "NaT")
        if gap.all() or not text[~gap].str.fullmatch(DATE).all():
            return None
        moments = pd.to_datetime(text.where(~gap), errors="coerce", utc=True, format="ISO8601")
        if (moments.isna() & ~gap).any():
            return None
        seconds = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
        found.append(seconds.to_numpy(dtype=np.float64))
    return found


def _as_words(series: "pd.Series[Any]") -> Array:
    """Objects (n,): one spelling per value, None where missing."""
    codes, cells = pd.factorize(series.to_numpy(dtype=object, na_value=None), use_na_sentinel=True)
    return np.array([word(cell) for cell in cells] + [None], dtype=object)[codes]


def _sample(column: Array) -> Array:
    return column[:: max(1, column.size // GUESSED_FROM)]
