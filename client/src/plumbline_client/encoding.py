"""Rows as lines of JSON: numbers of NumPy, times and the like included."""

import json
from datetime import date, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID


def to_line(row: dict[str, Any]) -> bytes:
    """The row as one line of ASCII. Raises TypeError or ValueError for what JSON cannot hold.

    NaN is written as it is: the server refuses its row with a sentence that names the field.
    """
    return _encode(row).encode("ascii")


def _to_plain(value: Any) -> Any:
    """What JSON has for a value that the encoder does not know."""
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if hasattr(value, "tolist"):  # scalars and arrays of NumPy
        return value.tolist()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"A value of type {type(value).__name__} cannot be written as JSON.")


_encode = json.JSONEncoder(separators=(",", ":"), default=_to_plain).encode
