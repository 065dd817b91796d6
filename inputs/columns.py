"""One column of raw values: as numbers, as texts, and which input type it looks like."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inputs.tokens import word_count
from inputs.values import InvalidColumns, is_missing

Floats = NDArray[np.float64]
Values = Sequence[Any] | NDArray[Any]

WORDS_OF_TEXT = 4  # on average, from which varied strings are free text
LOOKED_AT = 1000  # rows whose words are counted


def as_numbers(values: ArrayLike | Values, name: str) -> Floats:
    """Floats (n,), NaN where missing. Raises InvalidColumns for text, infinities and more than one dimension."""
    try:
        column = np.array(_without_gaps(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidColumns(f"{name!r} should hold numbers: {error}.") from error
    if column.ndim != 1:
        raise InvalidColumns(f"{name!r} should hold one number in each row, not an array of {column.ndim} dimensions.")
    if np.isinf(column).any():
        row = int(np.flatnonzero(np.isinf(column))[0])
        raise InvalidColumns(f"{name!r} is infinite in row {row}.", row)
    return column


def _without_gaps(values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        return values
    return [np.nan if is_missing(value) else value for value in values]


def as_texts(values: ArrayLike | Values, missing: str, name: str = "column") -> NDArray[np.object_]:
    """Texts (n,), missing ones under one name. 1 and 1.0 are one text: gaps turn whole numbers to floats.

    Raises InvalidColumns for more than one dimension.
    """
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InvalidColumns(f"{name!r} should hold one text in each row, not an array of {values.ndim} dimensions.")
    cells = values.tolist() if isinstance(values, np.ndarray) else list(values)  # type: ignore[arg-type]
    return np.array([missing if is_missing(cell) else _written(cell) for cell in cells] + [None], dtype=object)[:-1]


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def guess_type(values: ArrayLike | Values) -> str:
    """Numbers are numbers, datetime64 time, true and false boolean, long varied strings text, the rest category."""
    column = np.asarray(values)
    if column.dtype.kind == "M":
        return "time"
    if column.dtype.kind in "iuf":
        return "number"
    if column.dtype.kind == "b":
        return "boolean"
    present = [value for value in column.tolist() if not is_missing(value)]
    if present and all(isinstance(value, bool) for value in present):
        return "boolean"
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return "number"
    words = np.mean([word_count(str(value)) for value in present[:LOOKED_AT]]) if present else 0
    varied = len(set(map(str, present))) > len(present) / 2
    return "text" if words >= WORDS_OF_TEXT and varied else "category"
