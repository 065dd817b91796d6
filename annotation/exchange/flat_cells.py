"""Cells of flat files as values: of each type of input, of numbers, times and JSON, as people write them."""

import json
import re
from functools import lru_cache
from typing import Any

import pandas as pd

from annotation.exchange.base import BadRecord
from inputs.files.cells import GAPS, ISO, parse_number, parse_times
from inputs.files.spellings import TRUTHS, folded
from validation.json_values import is_finite_number, quote

DAY_OR_MONTH = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]")


def is_blank(cell: Any) -> bool:
    """Whether the cell holds nothing: no text, or no number."""
    return cell is None or cell == "" or cell != cell


def is_gap(cell: Any) -> bool:
    """Whether a text stands for no value where a number, a time or a truth value is expected: NA, null, n/a."""
    return isinstance(cell, str) and cell.strip().lower() in GAPS


def plain_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return cell


def _time_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return None if is_gap(cell) else to_moment(cell)


def _text_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return cell if type(cell) is str else as_text(cell)


def _number_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if type(cell) is float:
        return cell
    return None if is_gap(cell) else to_number(cell, decimal)


def _boolean_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if is_gap(cell) or isinstance(cell, bool):
        return None if is_gap(cell) else cell
    word = TRUTHS.get(folded(str(as_text(cell))))
    return cell if word is None else word == "true"


def _json_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if not isinstance(cell, str):
        return cell
    found = parse_json(cell)
    if found is cell:
        raise BadRecord(f"`{name}` is {quote(cell)}; JSON of type {kind} is expected.")
    return found


INPUT_READERS = {
    "time": _time_input,
    "text": _text_input,
    "category": _text_input,
    "number": _number_input,
    "boolean": _boolean_input,
    "conversation": _json_input,
    "vector": _json_input,
}
"""By type of input, what its value is of a cell. What cannot be read stays a text, which the contract refuses."""


def segment_cell(cell: Any) -> Any:
    return cell if isinstance(cell, str | int | float) else to_moment(cell)


def as_text(cell: Any) -> Any:
    """A whole number of a column with gaps is a float: 1.0 is the text 1."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    return str(int(cell)) if float(cell).is_integer() else str(cell)


def to_number(cell: Any, decimal: str) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace(decimal, ".") if decimal != "." else cell
    try:
        found = float(text)
    except ValueError:
        found = parse_number(cell.strip(), decimal)  # with marks of thousands, a currency, or percent
        return found if is_finite_number(found) else cell
    return int(found) if found.is_integer() and abs(found) < 2**53 and "." not in text else found


def to_moment(cell: Any) -> str:
    """A time as a text; of a column of times its moment."""
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else _written_moment(str(cell).strip())


@lru_cache(maxsize=10_000)
def _written_moment(text: str) -> str:
    """A date such as 23.11.2026 as ISO 8601; one that may begin with a day or with a month stays as it is."""
    found = None if ISO.match(text) or DAY_OR_MONTH.match(text) else parse_times([pd.Series([text])])
    return text if found is None else f"{found[0][0]}Z"


def parse_json(cell: str) -> Any:
    """The JSON of a cell; the cell itself where it is none."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
