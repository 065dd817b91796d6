"""Vectors that callers send: what is taken, what counts as missing, and which rows are copies."""

from typing import Any

import numpy as np
import pytest

from inputs.contract import InvalidContract, check_contract, check_inputs
from inputs.frame import column_shapes, to_frame
from inputs.groups import group_rows
from inputs.images import PixelBudget
from inputs.types.base import InvalidValue
from inputs.values import InvalidColumns

FREE: dict[str, dict[str, Any]] = {"v": {"type": "vector"}}
FIXED: dict[str, dict[str, Any]] = {"v": {"type": "vector", "dimensions": 3}}


def _taken(value: object, contract: dict[str, dict[str, Any]] = FREE) -> object:
    return check_inputs({"v": value}, contract, PixelBudget(0))[0]["v"]


def test_a_list_of_finite_numbers_is_taken_as_it_is() -> None:
    assert _taken([0, -1.5, 2e3]) == [0, -1.5, 2e3]
    assert _taken([1, 2, 3], FIXED) == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "contract", "words"),
    [
        ("1,2", FREE, "a list of numbers is expected"),
        ([], FREE, "has 0 numbers"),
        ([1] * 5000, FREE, "has 5,000 numbers"),
        ([1, 2], FIXED, "has 2 numbers; 3 are expected"),
        ([1, float("nan")], FREE, "number 2 is nan"),
        ([1, "2"], FREE, 'number 2 is "2"'),
        ([True], FREE, "number 1 is True"),
        ([[1]], FREE, r"number 1 is \[1\]"),
        ([1e16], FREE, "must lie within"),
    ],
)
def test_anything_else_is_refused_in_words(value: object, contract: dict[str, dict[str, object]], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        _taken(value, contract)


@pytest.mark.parametrize("size", [0, 5000, 1.5, True, "3"])
def test_the_contract_takes_a_possible_number_of_dimensions(size: object) -> None:
    with pytest.raises(InvalidContract, match="dimensions takes a whole number"):
        check_contract({"v": {"type": "vector", "dimensions": size}})
    assert check_contract(FIXED) == FIXED


def test_a_vector_of_another_length_than_most_counts_as_missing() -> None:
    column = [[1.0, 2.0], None, [3.0, 4.0], [1.0, 2.0, 3.0]]
    shapes = column_shapes({"v": column}, {"v": "vector"})
    frame = to_frame({"v": column}, {"v": "vector"}, shapes=shapes)
    assert list(frame.columns) == ["vector:v:0", "vector:v:1"]
    np.testing.assert_array_equal(np.isnan(frame["vector:v:0"]), [False, True, False, True])


def test_a_column_that_holds_something_else_is_refused_with_its_row() -> None:
    with pytest.raises(InvalidColumns, match="row 1: a vector must be a list of finite numbers"):
        to_frame({"v": [[1.0], ["a"]]}, {"v": "vector"}, shapes={"v": (1, 1)})


def test_rows_of_nearly_one_direction_are_copies_and_missing_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 30)).tolist()
    copy = (3 * np.array(rows[0]) + 1e-4).tolist()
    groups = group_rows({"v": [*rows, copy, None, None]}, {"v": "vector"})
    assert groups[200] == groups[0]
    assert len(np.unique(groups)) == 202
