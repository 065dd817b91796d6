"""A row as one JSON object: what stands in it comes back, also where it is false, zero or empty."""

from typing import Any

import pytest

from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ExchangeSignal


@pytest.mark.parametrize("value", [False, 0, 0.0, "", []])
def test_a_value_that_is_false_zero_or_empty_comes_back(value: Any) -> None:
    row = ExchangeRow(
        "k",
        {"text": "hello"},
        predictions=(ExchangePrediction(value=value, model_version="v1"),),
        labels=(ExchangeLabel(value=value, annotator="ada", seconds=0.0),),
        signals=(ExchangeSignal("s", "thumbs", value),),
        known=value,
    )

    again = to_row(to_record(row))

    assert again == row
    assert type(again.signals[0].value) is type(value)


def test_what_is_as_in_an_empty_row_is_not_written() -> None:
    row = ExchangeRow("k", {"text": "hello"}, labels=(ExchangeLabel(value="ham"),))
    assert to_record(row) == {"key": "k", "inputs": {"text": "hello"}, "labels": [{"value": "ham"}]}
    assert to_record(row, without=("labels",)) == {"key": "k", "inputs": {"text": "hello"}}
