"""One column of raw values: numbers, texts, and the type that it looks like."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.columns import as_numbers, as_texts, guess_type
from inputs.registry import INPUT_TYPES
from inputs.values import InvalidColumns, is_missing

ANYTHING = st.one_of(st.none(), st.floats(), st.integers(-9, 9), st.booleans(), st.text(max_size=4))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(5), "number"),
        (np.array([1, None, 2.5], dtype=object), "number"),
        (np.array(["2026-01-01", "NaT"], dtype="datetime64[s]"), "time"),
        (np.array([True, False]), "boolean"),
        (np.array([True, None, False], dtype=object), "boolean"),
        (np.array([True, 2], dtype=object), "category"),
        (np.array(["red", "blue", "red"]), "category"),
        (np.array([None, None], dtype=object), "category"),
        (np.array([f"where is my card number {i}" for i in range(9)]), "text"),
    ],
)
def test_the_type_is_guessed_from_the_values(values: Any, kind: str) -> None:
    assert guess_type(values) == kind


@given(st.lists(ANYTHING, max_size=20))
def test_any_column_has_a_type_and_is_as_many_texts(values: list[Any]) -> None:
    column = np.array([*values, None], dtype=object)[:-1]
    assert guess_type(column) in INPUT_TYPES
    assert [text == "gap" for text in as_texts(column, "gap")] == [is_missing(value) for value in values]


def test_one_and_one_point_nought_are_one_text() -> None:
    assert as_texts(np.array([1.0, np.nan, 2.5]), "gap").tolist() == ["1", "gap", "2.5"]
    assert as_texts([1, "1", True], "gap").tolist() == ["1", "1", "True"]


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=20), st.integers(0, 99))
def test_numbers_keep_their_values_and_gaps_and_refuse_the_infinite(values: list[Any], row: int) -> None:
    found = as_numbers(np.array(values, dtype=object), "x")
    assert [None if np.isnan(value) else value for value in found] == values
    values[row % len(values)] = np.inf
    with pytest.raises(InvalidColumns, match=f"'x' is infinite in row {row % len(values)}") as why:
        as_numbers(np.array(values, dtype=object), "x")
    assert why.value.row == row % len(values)
