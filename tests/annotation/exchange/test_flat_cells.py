"""Cells of flat files as people write them: gaps, currencies, truth values, spellings of a label, single scores."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from annotation.exchange.columns import DECIMAL, FlatParser
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ColumnNames, ExchangeRow, ProjectShape

SHAPE = ProjectShape(
    kind="choice",
    labels=[{"value": "billing"}, {"value": "fault"}],
    inputs={"text": "text", "amount": "number", "paid": "boolean", "seen": "time"},
    positive="fault",
)


def parsed(columns: ColumnNames | None = None, **cells: Any) -> ExchangeRow:
    return FlatParser(replace(SHAPE, columns=columns or ColumnNames())).parse({"text": "Hello", **cells})


@pytest.mark.parametrize("gap", ["NA", "n/a", " null ", "NaN"])
def test_a_word_for_no_value_is_none_except_in_a_text(gap: str) -> None:
    assert parsed(amount=gap, paid=gap, seen=gap).inputs == {"text": "Hello"}
    assert parsed(text=gap).inputs["text"] == gap


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("$1,234.50", ".", 1234.5),
        ("12 %", ".", 0.12),
        ("1.234,50", ",", 1234.5),
        ("7", ".", 7),
        ("seven", ".", "seven"),
    ],
)
def test_a_number_is_read_with_its_marks_and_anything_else_is_left_for_the_contract(
    cell: str, decimal: str, value: Any
) -> None:
    assert parsed(ColumnNames(), amount=cell, **{DECIMAL: decimal}).inputs["amount"] == value


@pytest.mark.parametrize(
    ("cell", "value"), [("Yes", True), ("f", False), (1, True), (0.0, False), (True, True), ("maybe", "maybe")]
)
def test_a_truth_value_is_read_in_any_usual_spelling(cell: Any, value: Any) -> None:
    assert parsed(paid=cell).inputs["paid"] == value


def test_another_spelling_of_one_label_is_that_label() -> None:
    assert parsed(label="Billing ").known == "billing"
    assert parsed(label="invoice").known == "invoice"
    both = replace(SHAPE, labels=[{"value": "Billing"}, {"value": "billing"}])
    assert FlatParser(both).parse({"text": "Hello", "label": "BILLING"}).known == "BILLING"


@pytest.mark.parametrize(
    ("columns", "cells", "scores"),
    [
        (ColumnNames(scores="p"), {"p": "0.75"}, {"fault": 0.75, "billing": 0.25}),
        (ColumnNames(confidence="p"), {"p": 0.75, "predicted": "billing"}, {"billing": 0.75, "fault": 0.25}),
        (ColumnNames(confidence="p"), {"p": "", "predicted": "billing"}, None),
        (ColumnNames(confidence="p"), {"p": 0.75}, None),
    ],
)
def test_one_score_of_two_labels_gives_both(columns: ColumnNames, cells: dict[str, Any], scores: Any) -> None:
    row = parsed(columns, **cells)
    assert (row.predictions[0].scores if row.predictions else None) == scores


def test_one_score_of_more_labels_is_kept_and_not_computed_on() -> None:
    three = replace(SHAPE, labels=[*SHAPE.labels, {"value": "other"}], columns=ColumnNames(confidence="p"))
    said = FlatParser(three).parse({"text": "Hello", "predicted": "other", "p": "0.9"}).predictions[0]
    assert (said.value, said.scores, said.score) == ("other", None, 0.9)


def test_json_lines_have_columns_of_parts_of_objects() -> None:
    body = {"key": "a", "inputs": {"text": "Hi"}, "scores": {"billing": 0.5, "fault": 0.5}, "segment": {"shop": "x"}}
    columns = ColumnNames(inputs={"text": "inputs.text"}, segment=("segment.shop",))
    shape = replace(SHAPE, inputs={"text": "text"}, columns=columns)
    (row,) = FORMATS["jsonl"].read_rows(io.BytesIO(json.dumps(body).encode()), shape)
    assert isinstance(row, ExchangeRow)
    assert (row.inputs, row.segment, row.predictions[0].scores) == ({"text": "Hi"}, {"shop": "x"}, body["scores"])
