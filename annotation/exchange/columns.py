"""Flat rows, as CSV, Parquet and plain JSON lines have them: which column is what, and a row of them from an item."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import pandas as pd

from annotation.exchange.base import LONGEST_KEY, BadRecord, as_mapping, stable_key
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ProjectShape, UnusableFile
from inputs.files.cells import GAPS, ISO, parse_number, parse_times
from inputs.files.spellings import TRUTHS, folded, one_spelling
from validation.json_values import is_finite_number, quote

DAY_OR_MONTH = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]")

USUAL = {"key": "key", "label": "label", "predicted": "predicted", "version": "model_version", "time": "at"}
SCORES = "scores."
WHOLE = "record"  # the column of what flat cells cannot say, as JSON
FLAT = ("key", "inputs", "at", "known")  # parts of a record that have columns
DECIMAL = "\0decimal"  # in a record: the decimal mark of its file; no column is named so
TEXT_VALUES = ("choice", "text", "pair")  # kinds whose values are texts


class FlatParser:
    """Makes rows of one file's flat records; columns that nobody knows are left out.

    all_columns: each record has every column of the file; one that a person named and that is not there then raises
    UnusableFile.
    """

    def __init__(self, project: ProjectShape, *, all_columns: bool = False) -> None:
        given = project.columns
        self._columns = given
        self._names = {part: getattr(given, part) or usual for part, usual in USUAL.items()}
        self._checked = not all_columns
        self._inputs = [
            (name, given.inputs.get(name) or name, partial(INPUT_READERS.get(kind, _plain_input), name, kind))
            for name, kind in project.inputs.items()
        ]
        prefix = given.scores or SCORES
        self._values = project.values()
        self._scores = [(value, f"{prefix}{value}") for value in self._values]
        self._positive = project.positive if len(self._values) == 2 else ""
        self._spellings = one_spelling(self._values) if project.kind == "choice" else {}
        taken = {column for _, column, _ in self._inputs}
        self._label, self._predicted, self._version = (
            "" if self._names[part] in taken else self._names[part] for part in ("label", "predicted", "version")
        )
        self._texts = project.kind in TEXT_VALUES
        self._whole = "" if WHOLE in project.inputs else WHOLE
        self._names_of_inputs = ", ".join(project.inputs)

    def parse(self, record: Mapping[str, Any]) -> ExchangeRow:
        """The row of a record. Raises BadRecord."""
        if not self._checked:
            self._refuse_absent_columns(record)
            self._checked = True
        decimal = record.get(DECIMAL, ".")
        inputs = {}
        for name, column, convert in self._inputs:
            cell = record.get(column)
            if cell is None or cell == "" or cell != cell:  # is_blank, for each cell of a large file
                continue
            if (value := convert(cell, decimal)) is not None:
                inputs[name] = value
        if not inputs:
            raise BadRecord(f"The row has none of the project's inputs ({self._names_of_inputs}).")
        at = record.get(self._names["time"])
        row = ExchangeRow(
            key=self._key(record),
            inputs=inputs,
            predictions=self._prediction(record, decimal),
            at=None if is_blank(at) else _moment(at),
            segment=self._segment(record) if self._columns.segment else {},
        )
        row = row if is_blank(record.get(self._whole)) else self._with_whole(row, record)
        return self._with_label(row, record)

    def _key(self, record: Mapping[str, Any]) -> str:
        for column in (self._names["key"], "id"):
            cell = record.get(column)
            if type(cell) is str and 0 < len(cell) <= LONGEST_KEY and not cell.isspace():
                return cell
            if not is_blank(cell):
                break
        cells = {
            str(name): cell for name, cell in record.items() if name not in (DECIMAL, WHOLE) and not is_blank(cell)
        }
        return stable_key(cells, self._names["key"], "id")

    def _prediction(self, record: Mapping[str, Any], decimal: str) -> tuple[ExchangePrediction, ...]:
        scores = {}
        for value, column in self._scores:
            cell = record.get(column)
            if not is_blank(cell):
                scores[value] = _number(cell, decimal)
        value, version = self._value(record, self._predicted), record.get(self._version)
        confidence = _number(record.get(self._columns.confidence), decimal) if self._columns.confidence else None
        confidence = None if is_blank(confidence) else confidence
        scores = scores or self._completed(record, value, confidence, decimal)
        if value is None and not scores and is_blank(version):
            return ()
        named = "" if is_blank(version) else str(version)
        score = None if scores else confidence
        return (ExchangePrediction(value=value, model_version=named, scores=scores or None, score=score),)

    def _completed(self, record: Mapping[str, Any], value: Any, confidence: Any, decimal: str) -> dict[str, Any]:
        """Both scores of two labels from the one that the file has: of the positive or of the predicted label."""
        scored, score = value, confidence
        if self._columns.scores and not is_blank(cell := record.get(self._columns.scores)):
            scored, score = self._positive, _number(cell, decimal)
        if scored not in self._values or len(self._values) != 2 or not is_finite_number(score):
            return {}
        other = next(label for label in self._values if label != scored)
        return {scored: score, other: 1 - score}

    def _value(self, record: Mapping[str, Any], column: str) -> Any:
        """The value in this column; of kinds whose values are no texts their JSON."""
        cell = record.get(column)
        if is_blank(cell):
            return None
        cell = _as_text(str(cell) if self._texts and isinstance(cell, bool) else cell)
        if self._spellings and isinstance(cell, str) and cell not in self._values:
            return self._spellings.get(folded(cell), cell)
        return cell if self._texts or not isinstance(cell, str) else _parsed(cell)

    def _segment(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            name.removeprefix("segment."): _segment_cell(record[name])
            for name in self._columns.segment
            if not is_blank(record.get(name))
        }

    def _with_label(self, row: ExchangeRow, record: Mapping[str, Any]) -> ExchangeRow:
        known = self._value(record, self._label)
        if known is None:
            return row
        person = record.get(self._columns.annotator) if self._columns.annotator else None
        if not is_blank(person):
            label = ExchangeLabel(value=known, annotator=str(_as_text(person)))
            return replace(row, labels=(*row.labels, label))
        return row if known == row.agreed else replace(row, known=known)

    def _with_whole(self, row: ExchangeRow, record: Mapping[str, Any]) -> ExchangeRow:
        """The row with what an export wrote beside the flat cells."""
        cell = record[self._whole]
        whole = dict(as_mapping(_parsed(cell) if isinstance(cell, str) else cell, f"`{WHOLE}`"))
        beside = to_row({**whole, "key": row.key, "inputs": {}})
        return replace(
            beside,
            inputs=row.inputs,
            predictions=beside.predictions if "predictions" in whole else row.predictions,
            at=row.at,
            segment=row.segment or beside.segment,
        )

    def _refuse_absent_columns(self, record: Mapping[str, Any]) -> None:
        given = self._columns
        named = [getattr(given, part) for part in (*USUAL, "annotator", "confidence")]
        wanted = [name for name in (*named, *given.segment, *given.inputs.values()) if name and name not in record]
        if wanted:
            there = ", ".join(name for name in list(record)[:30] if name != DECIMAL)
            raise UnusableFile(f"There is no column {quote(wanted[0])}; the file has {there}.")
        if given.scores and not any(str(name).startswith(given.scores) for name in record):
            raise UnusableFile(f"No column begins with {quote(given.scores)}.")


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


def flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Objects in a row as names with a dot (`scores.spam`), as flat rows have them."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}.{inner}": part for inner, part in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def is_blank(cell: Any) -> bool:
    """Whether the cell holds nothing: no text, or no number."""
    return cell is None or cell == "" or cell != cell


def is_gap(cell: Any) -> bool:
    """Whether a text stands for no value where a number, a time or a truth value is expected: NA, null, n/a."""
    return isinstance(cell, str) and cell.strip().lower() in GAPS


def _plain_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return cell


def _time_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return None if is_gap(cell) else _moment(cell)


def _text_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    return cell if type(cell) is str else _as_text(cell)


def _number_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if type(cell) is float:
        return cell
    return None if is_gap(cell) else _number(cell, decimal)


def _boolean_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if is_gap(cell) or isinstance(cell, bool):
        return None if is_gap(cell) else cell
    word = TRUTHS.get(folded(str(_as_text(cell))))
    return cell if word is None else word == "true"


def _json_input(name: str, kind: str, cell: Any, decimal: str) -> Any:
    if not isinstance(cell, str):
        return cell
    found = _parsed(cell)
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


def _segment_cell(cell: Any) -> Any:
    return cell if isinstance(cell, str | int | float) else _moment(cell)


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
        found = parse_number(cell.strip(), decimal)  # with marks of thousands, a currency, or percent
        return found if is_finite_number(found) else cell
    return int(found) if found.is_integer() and abs(found) < 2**53 and "." not in text else found


def _moment(cell: Any) -> str:
    """A time as a text; of a column of times its moment."""
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else _written_moment(str(cell).strip())


@lru_cache(maxsize=10_000)
def _written_moment(text: str) -> str:
    """A date such as 23.11.2026 as ISO 8601; one that may begin with a day or with a month stays as it is."""
    found = None if ISO.match(text) or DAY_OR_MONTH.match(text) else parse_times([pd.Series([text])])
    return text if found is None else f"{found[0][0]}Z"


def _parsed(cell: str) -> Any:
    """The JSON of a cell; the cell itself where it is none."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
