"""Checks: what is given comes back as it was or is refused by name and row, never mended in silence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.core import validation
from analysis.metrics.core.validation import InvalidInput

numbers = st.floats(-1e99, 1e99)
odd = st.sampled_from([np.nan, np.inf, -np.inf])
sizes = st.integers(1, 30)


def broken(values, row, value):
    found = np.array(values, dtype=float)
    found[row % len(found)] = value
    return found


@given(hnp.arrays(float, sizes, elements=numbers))
def test_finite_numbers_come_back_as_they_were(values):
    assert validation.vector("x", values.tolist(), values.size).tolist() == values.tolist()


@given(hnp.arrays(float, sizes, elements=numbers), st.integers(0, 99), odd)
def test_a_number_that_is_none_is_refused_with_its_row(values, row, value):
    with pytest.raises(InvalidInput, match=f"x has .* in row {row % values.size}"):
        validation.vector("x", broken(values, row, value))


@given(hnp.arrays(bool, sizes))
def test_booleans_and_their_numbers_are_alike(values):
    assert validation.booleans("x", values).tolist() == validation.booleans("x", values.astype(float)).tolist()


@given(hnp.arrays(bool, sizes), st.integers(0, 99), st.one_of(odd, st.floats(1.01, 9)))
def test_what_is_neither_true_nor_false_is_refused(values, row, value):
    with pytest.raises(InvalidInput, match=f"in row {row % values.size}; it must be true or false"):
        validation.booleans("x", broken(values, row, value))


@given(st.integers(1, 9), st.lists(st.integers(-3, 12), max_size=20))
def test_codes_are_places_of_classes(k, values):
    if all(0 <= value < k for value in values):
        assert validation.codes("x", values, k).tolist() == values
    else:
        with pytest.raises(InvalidInput, match=f"the {k} classes are numbered 0 to {k - 1}"):
            validation.codes("x", values, k)


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=20))
def test_inclusion_probabilities_lie_above_zero_and_up_to_one(values):
    if all(validation.RAREST <= value <= 1 for value in values):
        assert validation.inclusion(values, len(values)).tolist() == values
    else:
        with pytest.raises(InvalidInput, match="inclusion_probability has"):
            validation.inclusion(values, len(values))


@given(st.integers(0, 10_000), sizes, st.integers(2, 5), st.floats(-0.5, 0.5))
def test_rows_of_probabilities_sum_to_one_within_rounding(seed, n, k, off):
    rows = np.random.default_rng(seed).dirichlet(np.ones(k), n) * 0.5
    rows[:, 0] += 0.5
    assert (validation.probabilities(rows, n, k) == rows).all()
    rows[-1, 0] += off
    if abs(off) > 2 * validation.SUM_TOLERANCE:
        with pytest.raises(InvalidInput, match=f"in row {n - 1}"):
            validation.probabilities(rows, n, k)


@given(hnp.arrays(float, sizes, elements=st.floats(0, 1)), st.integers(0, 99), st.one_of(odd, st.floats(1.01, 9)))
def test_the_unit_interval_is_kept_to(values, row, value):
    assert validation.unit_interval("x", values) is values
    with pytest.raises(InvalidInput, match=f"in row {row % values.size}; it must lie between 0 and 1"):
        validation.unit_interval("x", broken(values, row, value))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_level_lies_between_zero_and_one(value):
    if 0 < value < 1:
        assert validation.level(value) == value
    else:
        with pytest.raises(InvalidInput, match="it must lie between 0 and 1"):
            validation.level(value)


@given(st.lists(st.text(max_size=3), max_size=5))
def test_classes_are_named_once(names):
    if names and len(set(names)) == len(names):
        assert validation.class_names(names) == tuple(names)
    else:
        with pytest.raises(InvalidInput, match="classes"):
            validation.class_names(names)


@pytest.mark.parametrize("call", [validation.vector, validation.booleans])
def test_words_tables_and_other_lengths_are_refused(call):
    with pytest.raises(InvalidInput, match="must hold numbers"):
        call("x", ["a"])
    with pytest.raises(InvalidInput, match="one value per row"):
        call("x", [[1.0]])
    with pytest.raises(InvalidInput, match="x has 1 rows where 2 are needed"):
        call("x", [1.0], 2)
