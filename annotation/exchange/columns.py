"""Flat rows, as CSV, Parquet and plain JSON lines have them: which column is what, and a row of them from an item."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from annotation.exchange.base import LONGEST_KEY, BadRecord, as_mapping, stable_key
from annotation.exchange.flat_cells import (
    INPUT_READERS,
    as_text,
    is_blank,
    parse_json,
    plain_input,
    segment_cell,
    to_moment,
    to_number,
)
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import (
    NO_COLUMN,
    ExchangeLabel,
    ExchangePrediction,
    ExchangeRow,
    ProjectShape,
    UnusableFile,
)
from inputs.files.spellings import folded, one_spelling
from validation.json_values import is_finite_number, quote

USUAL = {"key": "key", "label": "label", "predicted": "predicted", "version": "model_version", "time": "at"}
SCORES = "scores."
WHOLE = "record"  # the column of what flat cells cannot say, as JSON
ALSO = "also."
FLAT = ("key", "inputs", "at", "known", "also")  # parts of a record that have columns
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
        self._keys = (self._names["key"], *(["id"] if given.key != NO_COLUMN else []))
        self._checked = not all_columns
        self._inputs = [
            (name, given.inputs.get(name) or name, partial(INPUT_READERS.get(kind, plain_input), name, kind))
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
        self._beside = [(one.name, f"{ALSO}{one.name}", one.kind in TEXT_VALUES) for one in project.also]
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
        at, known, labels = record.get(self._names["time"]), *self._known(record)
        row = ExchangeRow(
            key=self._key(record),
            inputs=inputs,
            predictions=self._prediction(record, decimal),
            labels=labels,
            known=known,
            at=None if is_blank(at) else to_moment(at),
            segment=self._segment(record) if self._columns.segment else {},
            also=self._side_answers(record) if self._beside else {},
        )
        return row if is_blank(record.get(self._whole)) else self._with_whole(row, record)

    def _key(self, record: Mapping[str, Any]) -> str:
        for column in self._keys:
            cell = record.get(column)
            if type(cell) is str and 0 < len(cell) <= LONGEST_KEY and not cell.isspace():
                return cell
            if not is_blank(cell):
                break
        cells = {
            str(name): cell for name, cell in record.items() if name not in (DECIMAL, WHOLE) and not is_blank(cell)
        }
        return stable_key(cells, *self._keys)

    def _prediction(self, record: Mapping[str, Any], decimal: str) -> tuple[ExchangePrediction, ...]:
        scores = {}
        for value, column in self._scores:
            cell = record.get(column)
            if not is_blank(cell):
                scores[value] = to_number(cell, decimal)
        value, version = self._value(record, self._predicted), record.get(self._version)
        confidence = to_number(record.get(self._columns.confidence), decimal) if self._columns.confidence else None
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
            scored, score = self._positive, to_number(cell, decimal)
        if scored not in self._values or len(self._values) != 2 or not is_finite_number(score):
            return {}
        other = next(label for label in self._values if label != scored)
        return {scored: score, other: 1 - score}

    def _value(self, record: Mapping[str, Any], column: str) -> Any:
        """The value in this column; of kinds whose values are no texts their JSON."""
        cell = record.get(column)
        if is_blank(cell):
            return None
        cell = as_text(str(cell) if self._texts and isinstance(cell, bool) else cell)
        if self._spellings and isinstance(cell, str) and cell not in self._values:
            return self._spellings.get(folded(cell), cell)
        return cell if self._texts or not isinstance(cell, str) else parse_json(cell)

    def _side_answers(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the columns of side questions hold; of kinds whose values are no texts their JSON."""
        cells = [(name, record.get(column), is_text) for name, column, is_text in self._beside]
        return {
            name: as_text(cell) if is_text or not isinstance(cell, str) else parse_json(cell)
            for name, cell, is_text in cells
            if not is_blank(cell)
        }

    def _segment(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            name.removeprefix("segment."): segment_cell(record[name])
            for name in self._columns.segment
            if not is_blank(record.get(name))
        }

    def _known(self, record: Mapping[str, Any]) -> tuple[Any, tuple[ExchangeLabel, ...]]:
        """The label as the agreed value, or as what one person said."""
        known = self._value(record, self._label)
        person = record.get(self._columns.annotator) if self._columns.annotator else None
        if known is None or is_blank(person):
            return known, ()
        return None, (ExchangeLabel(value=known, annotator=str(as_text(person))),)

    def _with_whole(self, row: ExchangeRow, record: Mapping[str, Any]) -> ExchangeRow:
        """The row with what an export wrote beside the flat cells; what its labels agree on is not said again."""
        cell = record[self._whole]
        whole = dict(as_mapping(parse_json(cell) if isinstance(cell, str) else cell, f"`{WHOLE}`"))
        beside = to_row({**whole, "key": row.key, "inputs": {}})
        return replace(
            beside,
            labels=(*beside.labels, *row.labels),
            known=beside.known if row.known in (None, beside.agreed) else row.known,
            inputs=row.inputs,
            predictions=beside.predictions if "predictions" in whole else row.predictions,
            at=row.at,
            segment=row.segment or beside.segment,
            also=row.also or beside.also,
        )

    def _refuse_absent_columns(self, record: Mapping[str, Any]) -> None:
        given = self._columns
        named = [getattr(given, part) for part in (*USUAL, "annotator", "confidence")]
        wanted = [
            name for name in (*named, *given.segment, *given.inputs.values()) if name.strip() and name not in record
        ]
        if wanted:
            there = ", ".join(name for name in list(record)[:30] if name != DECIMAL)
            raise UnusableFile(f"There is no column {quote(wanted[0])}; the file has {there}.")
        if given.scores.strip() and not any(str(name).startswith(given.scores) for name in record):
            raise UnusableFile(f"No column begins with {quote(given.scores)}.")


class FlatWriter:
    """Makes the flat record of each row of one file; `columns` are the file's, in their order."""

    def __init__(self, project: ProjectShape) -> None:
        self._inputs, self._texts = list(project.inputs), project.kind in TEXT_VALUES
        self._scores = [(f"{SCORES}{value}", value) for value in project.values()]
        said = (USUAL[name] for name in ("label", "predicted", "version"))
        self._beside = [(f"{ALSO}{one.name}", one.name, one.kind in TEXT_VALUES) for one in project.also]
        beside = (column for column, _, _ in self._beside)
        self.columns = ["key", *self._inputs, *said, *beside, *(column for column, _ in self._scores), "at", WHOLE]

    def cells(self, row: ExchangeRow) -> dict[str, Any]:
        """The row in these columns. What they cannot say, such as a second version, stands whole in the last one."""
        said = row.predictions[0] if row.predictions else ExchangePrediction()
        others = said.at or said.extra or said.threshold_version or said.policy_version
        plain = len(row.predictions) == 1 and not others and said.score is None
        record = to_record(row, without=(*FLAT, "predictions") if plain else FLAT)
        scores = said.scores or {}
        return {
            "key": row.key,
            **{name: _cell(row.inputs.get(name)) for name in self._inputs},
            USUAL["label"]: _value_cell(row.agreed, self._texts),
            USUAL["predicted"]: _value_cell(said.value, self._texts),
            USUAL["version"]: said.model_version or None,
            **{column: _value_cell(row.also.get(name), is_text) for column, name, is_text in self._beside},
            **{column: scores.get(value) for column, value in self._scores},
            "at": row.at,
            WHOLE: _cell(record) if record else None,
        }


def flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Objects in a row as names with a dot (`scores.spam`), as flat rows have them."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}.{inner}": part for inner, part in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _value_cell(value: Any, texts: bool) -> Any:
    """A value of the task: a text as it is, of other kinds the JSON."""
    return value if texts or value is None else msgspec.json.encode(value).decode()


def _cell(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value
