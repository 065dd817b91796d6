"""CSV, Parquet and JSON lines: written and read back the same, with the columns that a person names."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.exchange.flat_cells import to_moment
from annotation.exchange.rows import (
    ColumnNames,
    ExchangeLabel,
    ExchangePrediction,
    ExchangeRow,
    ExchangeSignal,
    ProjectShape,
    RefusedRecord,
    UnusableFile,
)
from tests.annotation.exchange.shapes import INTENTS, parse_bytes, written

SHAPE = ProjectShape(
    "choice", INTENTS, {"text": "text", "amount": "number", "new": "boolean", "chat": "conversation"}, "refund"
)
words = st.text(alphabet="aé \U0001f600=+-@',;\"\t", min_size=1, max_size=10).filter(lambda text: bool(text.strip()))
keys = st.uuids().map(str)
scores = st.floats(0, 1).map(lambda share: {"refund": share, "billing": 1 - share})
flat_rows = st.builds(
    ExchangeRow,
    key=keys,
    inputs=st.fixed_dictionaries(
        {"text": words},
        optional={
            "amount": st.floats(-1e6, 1e6),
            "new": st.booleans(),
            "chat": st.just([{"role": "user", "content": 'Hi, "you"'}]),
        },
    ),
    known=st.none() | st.sampled_from(["refund", "billing"]),
    predictions=st.just(())
    | st.tuples(st.builds(ExchangePrediction, value=st.just("refund"), model_version=st.just("v1"), scores=scores)),
    at=st.none() | st.just("2026-11-20T10:00:00Z"),
)
whole_rows = st.builds(
    ExchangeRow,
    key=keys,
    inputs=st.fixed_dictionaries({"text": words, "amount": st.integers(-(2**40), 2**40)}),
    known=st.none() | st.just("billing"),
    predictions=st.lists(
        st.builds(
            ExchangePrediction,
            value=st.just("refund"),
            model_version=words,
            threshold_version=st.just("") | words,
            policy_version=st.just("") | words,
            extra=st.just({}) | st.just({"cluster": 2}),
        )
    ).map(tuple),
    labels=st.lists(
        st.builds(ExchangeLabel, value=st.just("refund"), annotator=words, comment=words, skipped=st.booleans())
    ).map(tuple),
    signals=st.lists(st.builds(ExchangeSignal, id=words, kind=st.just("click"), value=st.none() | words)).map(tuple),
    segment=st.dictionaries(words, words, max_size=2),
    extra=st.just({"meta": {"order": [1, 2]}}),
)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
@given(st.lists(flat_rows, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_flat_rows_come_back_the_same(name: str, rows: list[ExchangeRow]) -> None:
    assert parse_bytes(name, written(name, rows, SHAPE), SHAPE) == rows


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
@given(st.lists(whole_rows, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_everything_is_carried_with_the_keys_of_others(name: str, rows: list[ExchangeRow]) -> None:
    assert parse_bytes(name, written(name, rows, SHAPE), SHAPE) == rows


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (ColumnNames(key="nr"), "There is no column 'nr'; the file has key, text"),
        (ColumnNames(scores="p_"), "No column begins with 'p_'"),
    ],
)
def test_a_column_that_is_named_in_vain_is_an_error(names: ColumnNames, words: str) -> None:
    shape = ProjectShape("choice", INTENTS, {"text": "text"}, columns=names)
    with pytest.raises(UnusableFile, match=words):
        parse_bytes("csv", b"key,text\na,hello\n", shape)


def test_decimal_commas_are_numbers_of_their_file_only() -> None:
    shape = ProjectShape("choice", INTENTS, {"text": "text", "amount": "number"})
    (row,) = parse_bytes("csv", b"text;amount;scores.refund\n1,5;2,5;0,25\n", shape)
    assert isinstance(row, ExchangeRow)
    assert row.inputs == {"text": "1,5", "amount": 2.5} and row.predictions[0].scores == {"refund": 0.25}


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''@x", "-5", "'it''s"])
def test_no_cell_of_a_csv_file_is_a_formula_unless_raw_is_asked_for(text: str) -> None:
    row = ExchangeRow("k", {"text": text})
    cells = written("csv", [row], SHAPE).decode().splitlines()[1].split('","')
    assert not any(cell.strip('"').startswith(("=", "@", "-")) for cell in cells)
    raw = ProjectShape(SHAPE.kind, SHAPE.labels, SHAPE.inputs, raw_cells=True)
    assert text in written("csv", [row], raw).decode()


def test_columns_have_the_names_that_a_person_gives() -> None:
    names = ColumnNames("id no", "truth", "guess", "p_", "model", "when")
    shape = ProjectShape("choice", INTENTS, {"text": "text"}, columns=names)
    data = "id no;text;truth;guess;p_refund;model;when;other\n7;a;refund;billing;0.25;m1;2026-01-02;x\n"
    (row,) = parse_bytes("csv", data.encode(), shape)
    said = ExchangePrediction("billing", "m1", scores={"refund": 0.25})
    assert row == ExchangeRow("7", {"text": "a"}, (said,), known="refund", at="2026-01-02")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("text,chat\na,not json\n", "`chat` is 'not json'; JSON of type conversation is expected"),
        ("other\na\n", "none of the project's inputs"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_number(data: str, words: str) -> None:
    (refused,) = parse_bytes("csv", data.encode(), SHAPE)
    assert isinstance(refused, RefusedRecord) and words in refused.error and refused.number == 1


def test_what_is_no_number_stays_a_text_for_the_contract_to_refuse() -> None:
    (row,) = parse_bytes("jsonl", b'{"text": "a", "amount": "12,50"}', SHAPE)
    assert isinstance(row, ExchangeRow) and row.inputs["amount"] == "12,50"


def test_columns_of_numbers_with_gaps_give_whole_labels_and_structs_give_scores() -> None:
    table: Any = pa.table({"text": ["a"], "label": [1.0], "scores": [{"1": 0.5, "2": 0.5}]})
    stream = io.BytesIO()
    pq.write_table(table, stream)
    shape = ProjectShape("choice", [{"value": "1"}, {"value": "2"}], {"text": "text"})
    (row,) = parse_bytes("parquet", stream.getvalue(), shape)
    assert isinstance(row, ExchangeRow)
    assert (row.known, row.predictions[0].scores) == ("1", {"1": 0.5, "2": 0.5})


def test_a_file_that_is_no_parquet_is_refused_in_words() -> None:
    with pytest.raises(UnusableFile, match="not whole Parquet"):
        parse_bytes("parquet", b"PAR1 and no more", SHAPE)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("23.11.2026", "2026-11-23T00:00:00.000Z"),
        ("2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
        ("03/04/2026", "03/04/2026"),  # of April or of March: to be refused by name
        ("soon", "soon"),
    ],
)
def test_a_date_is_read_as_people_write_it_where_it_has_one_meaning(written: str, read: str) -> None:
    assert to_moment(written) == read
