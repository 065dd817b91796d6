"""Flat rows, as CSV, Parquet and plain JSON lines have them: which column is what, and a row of them from an item."""

import json
import math
from collections.abc import Mapping
from typing import Any

from annotation.exchange.base import BadRecord, stable_key
from annotation.exchange.rows import ExchangePrediction, ExchangeRow, ProjectShape
from validation.json_values import quote

JSON_TYPES = ("conversation", "vector")  # written as JSON text in a cell
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def parse_flat(record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
    """A flat record as a row; columns that nobody knows are left out. Raises BadRecord."""
    names = project.columns
    cells = {str(name): cell for name, cell in record.items() if not _is_blank(cell)}
    inputs = {name: _input(name, cells[name], kind) for name, kind in project.inputs.items() if name in cells}
    if not inputs:
        raise BadRecord(f"The row has none of the project's inputs ({', '.join(project.inputs)}).")
    scores = _scores(cells, project, names.scores)
    predicted = _label(cells, names.predicted, project)
    version = str(cells.get(names.version, ""))
    said = predicted is not None or scores or version
    return ExchangeRow(
        key=stable_key(cells, names.key, "id"),
        inputs=inputs,
        predictions=(ExchangePrediction(predicted, version, scores=scores or None),) if said else (),
        known=_label(cells, names.label, project),
        at=None if names.time not in cells else str(cells[names.time]),
    )


def flat_columns(project: ProjectShape) -> list[str]:
    """The columns that an export writes, in their order."""
    chosen = project.columns
    scores = [f"{chosen.scores}{value}" for value in project.values()]
    return [chosen.key, *project.inputs, chosen.label, chosen.predicted, chosen.version, *scores, chosen.time]


def flat_record(row: ExchangeRow, project: ProjectShape) -> dict[str, Any]:
    """The row in these columns; of several versions the last one, as a flat row has space for one."""
    chosen = project.columns
    said = row.predictions[-1] if row.predictions else ExchangePrediction()
    cells: dict[str, Any] = {chosen.key: row.key, chosen.label: _cell(row.agreed), chosen.time: row.at}
    cells |= {name: _cell(row.inputs.get(name)) for name in project.inputs}
    cells |= {chosen.predicted: _cell(said.value), chosen.version: said.model_version or None}
    cells |= {f"{chosen.scores}{value}": (said.scores or {}).get(value) for value in project.values()}
    return {name: cells[name] for name in flat_columns(project)}


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _input(name: str, cell: Any, kind: str) -> Any:
    """The cell as the type takes it. What cannot be read stays a text, which the contract refuses in words."""
    if not isinstance(cell, str):
        if hasattr(cell, "isoformat"):
            return cell.isoformat()
        return _as_text(cell) if kind in ("text", "category") else cell
    if kind == "number":
        return _number(cell)
    if kind == "boolean":
        return TRUTH.get(cell.strip().lower(), cell)
    if kind in JSON_TYPES:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise BadRecord(f"`{name}` is {quote(cell)}; JSON of type {kind} is expected.") from None
    return cell


def _as_text(cell: Any) -> Any:
    """A whole number of a column with gaps is a float: 1.0 is the text 1."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    return str(int(cell)) if float(cell).is_integer() else str(cell)


def _number(cell: str) -> Any:
    try:
        found = float(cell)
    except ValueError:
        return cell
    return int(found) if found.is_integer() and abs(found) < 2**53 and "." not in cell else found


def _scores(cells: Mapping[str, Any], project: ProjectShape, start: str) -> dict[str, float]:
    found = {}
    for value in project.values():
        if (cell := cells.get(f"{start}{value}")) is not None:
            found[value] = _number(cell) if isinstance(cell, str) else cell
    return found


def _label(cells: Mapping[str, Any], name: str, project: ProjectShape) -> Any:
    """The value in this column; of kinds whose values are no texts their JSON."""
    if name in project.inputs or name not in cells:
        return None
    cell = _as_text(cells[name])
    if project.kind in ("choice", "text", "pair") or not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
