"""Array arguments come back as they were, or are refused by name and row; nothing is corrected in silence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from validation import InvalidInput, arrays

numbers = st.floats(-1e99, 1e99)
odd = st.sampled_from([np.nan, np.inf, -np.inf])
sizes = st.integers(1, 30)


def broken(values, row, value):
    found = np.array(values, dtype=float)
    found[row % len(found)] = value
    return found


@given(hnp.arrays(float, sizes, elements=numbers))
def test_finite_numbers_come_back_as_they_were(values):
    assert arrays.vector("x", values.tolist(), values.size).tolist() == values.tolist()


@given(hnp.arrays(float, sizes, elements=numbers), st.integers(0, 99), odd)
def test_a_number_that_is_none_is_refused_with_its_row(values, row, value):
    with pytest.raises(InvalidInput, match=f"x has .* in row {row % values.size}"):
        arrays.vector("x", broken(values, row, value))


@given(hnp.arrays(bool, sizes))
def test_booleans_and_their_numbers_are_alike(values):
    assert arrays.booleans("x", values).tolist() == arrays.booleans("x", values.astype(float)).tolist()


@given(hnp.arrays(bool, sizes), st.integers(0, 99), st.one_of(odd, st.floats(1.01, 9)))
def test_what_is_neither_true_nor_false_is_refused(values, row, value):
    with pytest.raises(InvalidInput, match=f"in row {row % values.size}; it must be true or false"):
        arrays.booleans("x", broken(values, row, value))


@given(st.integers(1, 9), st.lists(st.integers(-3, 12), max_size=20))
def test_codes_are_places_of_classes(k, values):
    if all(0 <= value < k for value in values):
        assert arrays.codes("x", values, k).tolist() == values
    else:
        with pytest.raises(InvalidInput, match=f"the {k} classes are numbered 0 to {k - 1}"):
            arrays.codes("x", values, k)


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=20))
def test_inclusion_probabilities_lie_above_zero_and_up_to_one(values):
    if all(arrays.RAREST <= value <= 1 for value in values):
        assert arrays.inclusion(values, len(values)).tolist() == values
    else:
        with pytest.raises(InvalidInput, match="inclusion_probability has"):
            arrays.inclusion(values, len(values))


@given(hnp.arrays(float, sizes, elements=st.floats(0, 1)), st.integers(0, 99), st.one_of(odd, st.floats(1.01, 9)))
def test_the_unit_interval_is_kept_to(values, row, value):
    assert arrays.unit_interval("x", values) is values
    with pytest.raises(InvalidInput, match=f"in row {row % values.size}; it must lie between 0 and 1"):
        arrays.unit_interval("x", broken(values, row, value))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_level_lies_between_zero_and_one(value):
    if 0 < value < 1:
        assert arrays.level(value) == value
    else:
        with pytest.raises(InvalidInput, match="it must lie between 0 and 1"):
            arrays.level(value)


@given(st.lists(st.text(max_size=3), max_size=5))
def test_classes_are_named_once(names):
    if names and len(set(names)) == len(names):
        assert arrays.class_names(names) == tuple(names)
    else:
        with pytest.raises(InvalidInput, match="classes"):
            arrays.class_names(names)


@pytest.mark.parametrize("call", [arrays.vector, arrays.booleans])
def test_words_tables_and_other_lengths_are_refused(call):
    with pytest.raises(InvalidInput, match="must hold numbers"):
        call("x", ["a"])
    with pytest.raises(InvalidInput, match="one value per row"):
        call("x", [[1.0]])
    with pytest.raises(InvalidInput, match="x has 1 rows where 2 are needed"):
        call("x", [1.0], 2)


def test_codes_of_an_unknown_number_of_classes_start_at_zero():
    assert arrays.codes("x", [0, 70]).tolist() == [0, 70]
    assert len(arrays.codes("x", [], 2)) == 0
    with pytest.raises(InvalidInput, match="x has class -1 in row 1; classes are numbered from 0"):
        arrays.codes("x", [0, -1])
    with pytest.raises(InvalidInput, match="whole numbers"):
        arrays.codes("x", [0.5, 1.0])


@given(hnp.arrays(float, sizes, elements=st.floats(0.1, 1e6)))
def test_weights_come_back_as_they_were_and_are_one_where_none_are_given(values):
    assert arrays.weights(values, len(values)).tolist() == values.tolist()
    assert arrays.weights(None, 2).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", 1.0], "weights must hold numbers"),
        ([[1.0], [1.0]], "one value per row"),
        ([[1.0], [1.0, 2.0]], "rows of one length"),
        (1.0, "one value per row"),
        ([1.0], "1 rows where 2"),
        ([1.0, np.nan], "finite"),
        ([1.0, np.inf], "finite"),
        ([1e101, 1.0], "too large"),
        ([1.0, -1.0], "weights has -1 in row 1; a weight must not be negative"),
        ([0.0, 0.0], "all zero"),
    ],
)
def test_weights_that_cannot_be_are_named(values, said):
    with pytest.raises(InvalidInput, match=said):
        arrays.weights(values, 2)


def test_groups_are_numbered_and_none_where_no_row_has_a_copy():
    assert arrays.groups_of(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    assert arrays.groups_of(["b", "a"], 2) is None
    assert arrays.groups_of(None, 2) is None
    with pytest.raises(InvalidInput, match="groups has 2 rows where 3 are needed"):
        arrays.groups_of([0, 0], 3)


def test_a_refusal_knows_the_row():
    with pytest.raises(InvalidInput) as refused:
        arrays.vector("x", [0.0, np.nan])
    assert refused.value.row == 1
