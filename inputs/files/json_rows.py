"""JSON and JSON lines: one object a row, nested objects as columns with a dot."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pandas as pd

from inputs.files.delimited import decode
from inputs.files.table import BadFile
from validation.json_values import is_storable_text


def read_json_lines(data: bytes, name: str, encoding: str | None = None) -> pd.DataFrame:
    """One object a line. Raises BadFile."""
    decoder = msgspec.json.Decoder().decode
    lines = decode(data, name, encoding).split("\n")  # splitlines would part a text at its own line separators
    rows = [_row(line, f"Line {number} of {name}", decoder) for number, line in enumerate(lines, 1) if line.strip()]
    return as_frame(rows)


def read_json(data: bytes, name: str, encoding: str | None = None) -> pd.DataFrame:
    """An array of objects, alone or as the only array of an object; a table by columns, by row labels or split, as
    pandas writes them; also JSON lines under this name. Raises BadFile.
    """
    text = decode(data, name, encoding)
    try:
        whole = _json(text, name, msgspec.json.Decoder().decode)
    except BadFile:
        return read_json_lines(data, name, encoding)
    rows = _rows(whole)
    if rows is None or not all(isinstance(row, dict) for row in rows):
        raise BadFile(f"{name} is not an array of JSON objects.")
    return as_frame(rows)


def _rows(whole: Any) -> list[Any] | None:
    if isinstance(whole, dict):
        if table := _table_of_parts(whole):
            return table
        arrays = [value for value in whole.values() if isinstance(value, list) and value]
        rows = [array for array in arrays if all(isinstance(row, dict) for row in array)]
        return rows[0] if len(rows) == 1 else [whole]
    return whole if isinstance(whole, list) else None


def _table_of_parts(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of what pandas writes with orient split, list, columns or index; empty where it is none of them."""
    names, cells = whole.get("columns"), whole.get("data")
    if isinstance(names, list) and isinstance(cells, list) and all(isinstance(row, list) for row in cells):
        return [dict(zip(map(str, names), row, strict=False)) for row in cells]
    parts = list(whole.values())
    if len({len(part) if isinstance(part, list | dict) else -1 for part in parts}) != 1 or not parts or not parts[0]:
        return []
    if all(isinstance(part, list) and not any(isinstance(cell, dict) for cell in part) for part in parts):
        return [dict(zip(whole, row, strict=True)) for row in zip(*parts, strict=True)]
    if not all(isinstance(part, dict) and part.keys() == parts[0].keys() for part in parts):
        return []
    if all(label.isdecimal() for label in whole):
        return parts
    labels = parts[0] if all(label.isdecimal() for label in parts[0]) else ()
    return [{name: whole[name][label] for name in whole} for label in labels]


def as_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as columns, in the order in which their names first appear."""
    flat = [_flat(row) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    gone = {name for name in names if any(inner.startswith(f"{name}.") for inner in names)}  # null for a whole object
    names = {name: None for name in names if name not in gone or any(row.get(name) is not None for row in flat)}
    return pd.DataFrame({name: pd.Series([row.get(name) for row in flat], dtype=object) for name in names})


def _row(line: str, what: str, decoder: Callable[[str], Any]) -> dict[str, Any]:
    row = _json(line, what, decoder)
    if not isinstance(row, dict):
        raise BadFile(f"{what} is not a JSON object.")
    return row


def _json(text: str, what: str, decoder: Callable[[str], Any]) -> Any:
    """Many programs write NaN, which is no JSON; it counts as missing."""
    try:
        return decoder(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFile(f"{what} is not JSON.") from None
    if "\\ud" in text.lower() and not is_storable_text(json.dumps(value, ensure_ascii=False)):
        raise BadFile(f"{what} holds half a surrogate pair, which is no text.")
    return value


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Objects inside the row become columns with a dot (`scores.spam`), lists their JSON text."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            inside = {f"{name}.{inner}": part for inner, part in _flat(value).items()}
        else:
            inside = {name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value}
        if twice := flat.keys() & inside.keys():
            raise BadFile(
                f"A row has {min(twice)!r} twice: as a name with a dot, and as an object with that name in it."
            )
        flat |= inside
    return flat
