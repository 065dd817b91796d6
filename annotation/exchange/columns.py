"""Flat rows, as CSV, Parquet and plain JSON lines have them: which column is what, and a row of them from an item."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import pandas as pd

from annotation.exchange.base import BadRecord, as_mapping, stable_key
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ColumnNames, ExchangePrediction, ExchangeRow, ProjectShape, UnusableFile
from inputs.files.cells import ISO, parse_times
from validation.json_values import quote

DAY_OR_MONTH = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]")

USUAL = {"key": "key", "label": "label", "predicted": "predicted", "version": "model_version", "time": "at"}
SCORES = "scores."
WHOLE = "record"  # the column of what flat cells cannot say, as JSON
FLAT = ("key", "inputs", "at", "known")  # parts of a record that have columns
DECIMAL = "\0decimal"  # in a record: the decimal mark of its file; no column is named so
JSON_TYPES = ("conversation", "vector")  # inputs that are JSON text in a cell
TEXT_VALUES = ("choice", "text", "pair")  # kinds whose values are texts
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def parse_flat(record: Mapping[str, Any], project: ProjectShape, *, all_columns: bool = False) -> ExchangeRow:
    """A flat record as a row; columns that nobody knows are left out. Raises BadRecord.

    all_columns: each record has every column of the file; one that a person named and that is not there then raises
    UnusableFile.
    """
    names = _names(record, project.columns, all_columns=all_columns)
    decimal = str(record.get(DECIMAL, "."))
    cells = {str(name): cell for name, cell in record.items() if not _is_blank(cell)}
    inputs = {name: _input(name, cells[name], kind, decimal) for name, kind in project.inputs.items() if name in cells}
    if not inputs:
        raise BadRecord(f"The row has none of the project's inputs ({', '.join(project.inputs)}).")
    whole = _whole(cells, project)
    said = _flat_prediction(cells, names, project, decimal)
    row = to_row({**({} if said is None else {"predictions": [said]}), **whole, "inputs": inputs})
    known = _label(cells, names["label"], project)
    named = {name: cell for name, cell in cells.items() if name not in (DECIMAL, WHOLE)}
    return replace(
        row,
        key=stable_key(named, names["key"], "id"),
        known=None if known == row.agreed else known,
        at=None if names["time"] not in cells else _moment(cells[names["time"]]),
    )


def flat_columns(project: ProjectShape) -> list[str]:
    """The columns that an export writes, in their order."""
    scores = [f"{SCORES}{value}" for value in project.values()]
    return ["key", *project.inputs, *(USUAL[name] for name in ("label", "predicted", "version")), *scores, "at", WHOLE]


def flat_record(row: ExchangeRow, project: ProjectShape) -> dict[str, Any]:
    """The row in these columns. What they cannot say, such as a second version, stands whole in the last one."""
    record = {name: part for name, part in to_record(row).items() if name not in FLAT}
    said = row.predictions[0] if row.predictions else ExchangePrediction()
    others = (said.at, said.extra, said.threshold_version, said.policy_version)
    if len(row.predictions) == 1 and not any(others) and said.score is None:
        record.pop("predictions")
    cells: dict[str, Any] = {"key": row.key, "at": row.at, WHOLE: _cell(record) if record else None}
    cells |= {name: _cell(row.inputs.get(name)) for name in project.inputs}
    cells |= {"label": _cell(row.agreed), "predicted": _cell(said.value), "model_version": said.model_version or None}
    cells |= {f"{SCORES}{value}": (said.scores or {}).get(value) for value in project.values()}
    return {name: cells[name] for name in flat_columns(project)}


def _names(record: Mapping[str, Any], given: ColumnNames, *, all_columns: bool) -> dict[str, str]:
    """The column of each part: as named, else the usual one."""
    named = {one.name: getattr(given, one.name) for one in fields(given) if one.name != "scores"}
    wanted = [name for name in named.values() if name and name not in record]
    if all_columns and wanted:
        there = ", ".join(name for name in list(record)[:30] if name != DECIMAL)
        raise UnusableFile(f"There is no column {quote(wanted[0])}; the file has {there}.")
    if all_columns and given.scores and not any(str(name).startswith(given.scores) for name in record):
        raise UnusableFile(f"No column begins with {quote(given.scores)}.")
    return {part: name or USUAL[part] for part, name in named.items()} | {"scores": given.scores or SCORES}


def _whole(cells: Mapping[str, Any], project: ProjectShape) -> dict[str, Any]:
    """What an export wrote beside the flat cells."""
    if WHOLE in project.inputs or WHOLE not in cells:
        return {}
    cell = cells[WHOLE]
    return dict(as_mapping(_parsed(cell) if isinstance(cell, str) else cell, f"`{WHOLE}`"))


def _flat_prediction(
    cells: Mapping[str, Any], names: Mapping[str, str], project: ProjectShape, decimal: str
) -> dict[str, Any] | None:
    scores = {
        value: _number(cells[f"{names['scores']}{value}"], decimal)
        for value in project.values()
        if f"{names['scores']}{value}" in cells
    }
    said = {"value": _label(cells, names["predicted"], project), "scores": scores or None}
    said["model_version"] = str(cells[names["version"]]) if names["version"] in cells else None
    return said if any(part is not None for part in said.values()) else None


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _input(name: str, cell: Any, kind: str, decimal: str) -> Any:
    """The cell as the type takes it. What cannot be read stays a text, which the contract refuses in words."""
    if kind == "time":
        return _moment(cell)
    if not isinstance(cell, str):
        return _as_text(cell) if kind in ("text", "category") else cell
    if kind == "number":
        return _number(cell, decimal)
    if kind == "boolean":
        return TRUTH.get(cell.strip().lower(), cell)
    if kind in JSON_TYPES:
        found = _parsed(cell)
        if found is cell:
            raise BadRecord(f"`{name}` is {quote(cell)}; JSON of type {kind} is expected.")
        return found
    return cell


def _as_text(cell: Any) -> Any:
    """A whole number of a column with gaps is a float: 1.0 is the text 1."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    return str(int(cell)) if float(cell).is_integer() else str(cell)


def _number(cell: Any, decimal: str) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace(decimal, ".") if decimal != "." else cell
    try:
        found = float(text)
    except ValueError:
        return cell
    return int(found) if found.is_integer() and abs(found) < 2**53 and "." not in text else found


def _moment(cell: Any) -> str:
    """A time as a text; of a column of times its moment."""
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else _written_moment(str(cell).strip())


@lru_cache(maxsize=10_000)
def _written_moment(text: str) -> str:
    """A date such as 23.11.2026 as ISO 8601; one that may begin with a day or with a month stays as it is."""
    found = None if ISO.match(text) or DAY_OR_MONTH.match(text) else parse_times([pd.Series([text])])
    return text if found is None else f"{found[0][0]}Z"


def _label(cells: Mapping[str, Any], name: str, project: ProjectShape) -> Any:
    """The value in this column; of kinds whose values are no texts their JSON."""
    if name in project.inputs or name not in cells:
        return None
    cell = _as_text(cells[name])
    return cell if project.kind in TEXT_VALUES or not isinstance(cell, str) else _parsed(cell)


def _parsed(cell: str) -> Any:
    """The JSON of a cell; the cell itself where it is none."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
