import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retraining.learning import validation
from retraining.learning.validation import BadInput


@given(hnp.arrays(int, st.integers(0, 20), elements=st.integers(0, 4)))
def test_codes_within_the_classes_come_back_unchanged(values: np.ndarray) -> None:
    assert (validation.codes(values, n_classes=5) == values).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[0, 1]], "one row of codes"),
        ([0.5, 1.0], "whole class codes"),
        ([0, -1], "start at 0"),
        ([0, 3], "only 3 classes"),
    ],
)
def test_codes_that_cannot_be_are_named(values: list, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        validation.codes(values, n_classes=3)


def test_no_codes_are_no_mistake() -> None:
    assert len(validation.codes([], n_classes=2)) == 0


@given(hnp.arrays(float, st.integers(1, 20), elements=st.floats(0.1, 1e6)))
def test_weights_come_back_unchanged(values: np.ndarray) -> None:
    assert (validation.weights(values, n=len(values)) == values).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", 1.0], "weights must be numbers"),
        ([[1.0], [1.0]], "not an array of 2 dimensions"),
        (1.0, "not an array of 0 dimensions"),
        ([1.0], "1 rows where 2"),
        ([1.0, np.nan], "finite"),
        ([1.0, np.inf], "finite"),
        ([1.0, -1.0], "negative"),
        ([0.0, 0.0], "all zero"),
    ],
)
def test_weights_that_cannot_be_are_named(values: list, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        validation.weights(values, n=2)


@given(hnp.arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(0.01, 1)))
def test_rows_that_sum_to_one_pass(values: np.ndarray) -> None:
    rows = values / values.sum(axis=1, keepdims=True)
    assert np.allclose(validation.probabilities(rows), rows)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([["a", 0.5, 0.5]], "probabilities must be numbers"),
        ([0.5, 0.5], "a row per item"),
        ([[0.5, 0.5]], "2 columns, but there are 3"),
        ([[0.2, 0.3, np.nan]], "row 0 is not"),
        ([[1, 0, 0], [np.inf, 0, 0]], "row 1 is not"),
        ([[1.5, -0.5, 0.0]], "between 0 and 1"),
        ([[0.5, 0.2, 0.1]], "sums to 0.8, not 1"),
    ],
)
def test_probabilities_that_cannot_be_are_named(values: list, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        validation.probabilities(values, n_classes=3)
