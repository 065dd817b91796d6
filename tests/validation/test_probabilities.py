"""Probabilities that were rounded are taken and divided by their sum; what no rounding explains is refused by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from validation import InvalidInput
from validation.probabilities import (
    InvalidProbabilities,
    check_probabilities,
    normalise_scores,
    sum_tolerance,
)

SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 6))


@st.composite
def rows_that_sum_to_one(draw: st.DrawFn) -> np.ndarray:
    raw = draw(arrays(float, SHAPES, elements=st.floats(0, 1)))
    raw[raw.sum(axis=1) < 1e-3] = 1.0
    return raw / raw.sum(axis=1, keepdims=True)


@given(rows_that_sum_to_one())
def test_rows_that_sum_to_one_are_returned_unchanged(rows: np.ndarray) -> None:
    np.testing.assert_array_equal(check_probabilities(rows), rows)


@pytest.mark.parametrize("classes", [2, 3, 10, 77, 1000])
@pytest.mark.parametrize("concentration", [0.001, 0.1, 1.0, 100.0])
def test_no_rounding_to_three_decimals_is_refused_however_many_classes_there_are(
    classes: int, concentration: float
) -> None:
    exact = np.random.default_rng(classes).dirichlet(np.full(classes, concentration), 200)
    rounded = exact.round(3)
    lost_everything = rounded.sum(axis=1) < 0.5
    checked = check_probabilities(rounded[~lost_everything])
    np.testing.assert_allclose(checked.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(checked.argmax(axis=1), rounded[~lost_everything].argmax(axis=1))


@given(st.integers(2, 60), st.integers(0, 10_000), st.floats(-0.2, 0.2))
def test_one_row_and_an_array_of_rows_are_judged_alike(classes: int, seed: int, error: float) -> None:
    row = np.random.default_rng(seed).dirichlet(np.ones(classes)) * 0.7
    row[0] += 0.3 + error
    if not 0 <= row[0] <= 1:
        return
    try:
        alone = normalise_scores(row.tolist())[0]
    except InvalidProbabilities:
        with pytest.raises(InvalidProbabilities):
            check_probabilities([row])
    else:
        np.testing.assert_allclose(check_probabilities([row])[0], alone, rtol=1e-12)


def test_scores_rounded_to_two_decimals_are_taken_for_two_or_three_classes() -> None:
    np.testing.assert_allclose(check_probabilities([[0.33, 0.33, 0.33]]), 1 / 3)
    np.testing.assert_allclose(check_probabilities([[0.34, 0.67]]), [[34 / 101, 67 / 101]])


def test_a_sum_above_one_allows_for_positive_scores_only_because_rounding_cannot_raise_a_zero() -> None:
    few, many = np.zeros(400), np.full(400, 0.1 / 399)
    few[:2], many[0] = (0.9, 0.2), 1.0
    with pytest.raises(InvalidProbabilities, match="0.1 more than 1"):
        check_probabilities([few])
    with pytest.raises(InvalidProbabilities, match=r"0\.1000 more than 1"):
        normalise_scores(few.tolist())
    assert check_probabilities([many]).sum() == pytest.approx(1)


def test_the_sum_as_it_was_is_reported() -> None:
    assert normalise_scores([0.021, 0.869, 0.111])[1] == pytest.approx(1.001)
    assert normalise_scores([0.25, 0.75]) == ([0.25, 0.75], 1.0)


def test_the_tolerance_grows_with_the_classes_and_never_lets_an_empty_row_through() -> None:
    steps = [sum_tolerance(classes) for classes in (0, 2, 20, 21, 100, 1000, 100_000)]
    assert steps == sorted(steps)
    assert sum_tolerance(2) == pytest.approx(0.01)
    with pytest.raises(InvalidProbabilities):
        check_probabilities(np.zeros((1, 100_000)))
    with pytest.raises(InvalidProbabilities):
        normalise_scores([0.0] * 100_000)


def test_errors_of_32_bit_arithmetic_are_clipped() -> None:
    np.testing.assert_array_equal(check_probabilities([[-1e-9, 1 + 1e-9]]), [[0.0, 1.0]])


@pytest.mark.parametrize(
    ("bad", "row", "words"),
    [
        ([[0.5, 0.5], [np.nan, 1.0]], 1, "has nan in row 1, class 0; it must be a finite number"),
        ([[np.inf, 0.0]], 0, "finite number"),
        ([[-0.1, 1.1]], 0, "has -0.1 in row 0, class 0; it must lie between 0 and 1"),
        ([[0.5, 0.5], [0.5, 0.5], [0.6, 0.5]], 2, "Row 2 of probabilities sums to 1.1, 0.1 more than 1"),
        ([[0.5, 0.5], [0.2, 0.2]], 1, "0.6 less than 1"),
        ([0.5, 0.5], None, "shape"),
        (np.zeros((3, 0)), None, "at least one class"),
        ([["a", "b"]], None, "must be numbers"),
        ([[0.5, 0.5], [1.0]], None, "rows of one length"),
    ],
)
def test_bad_probabilities_are_named_with_their_row(bad: object, row: int | None, words: str) -> None:
    with pytest.raises(InvalidProbabilities, match=words) as raised:
        check_probabilities(bad)  # type: ignore[arg-type]
    assert raised.value.row == row
    assert isinstance(raised.value, InvalidInput)


def test_a_shape_that_was_not_expected_is_refused() -> None:
    assert check_probabilities(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(InvalidProbabilities, match=r"2 rows of 3 classes"):
        check_probabilities([[0.5, 0.5]], n=2, k=3)
