"""Near-duplicates: one of each kind stays, the first, and nothing else goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotation.sampling import first_of_its_kind, near_distance, usual_distance

ROWS = arrays(float, st.tuples(st.integers(1, 25), st.integers(1, 4)), elements=st.integers(-20, 20).map(float))


@given(ROWS, st.sampled_from([0.0, 0.5, 1.5, 10.5]))
def test_no_two_kept_rows_are_near_and_every_dropped_row_is_near_an_earlier_kept_one(rows, distance):
    keep = first_of_its_kind(rows, distance=distance)
    gaps = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    for row in range(len(rows)):
        earlier = np.flatnonzero(keep[:row])
        assert keep[row] == (gaps[row, earlier] > distance).all()


@given(ROWS, st.sampled_from([0.0, 1.5]))
def test_what_is_like_the_others_goes(rows, distance):
    assert not first_of_its_kind(rows, distance=distance, others=rows[::-1]).any()
    assert first_of_its_kind(rows, distance=distance, others=rows + 1000).any()


def test_blocks_do_not_change_the_answer():
    rows = np.repeat(np.arange(1300.0)[:, None] * [1.0, 2.0], 2, axis=0)
    keep = first_of_its_kind(np.random.default_rng(0).permutation(rows), distance=0.1)
    assert keep.sum() == 1300


@given(ROWS, st.floats(0.1, 100))
def test_the_near_distance_grows_with_the_units_and_ignores_constant_columns(rows, unit):
    near = near_distance(rows)
    assert 0 <= near <= 0.05 * usual_distance(rows) + 1e-12
    assert near_distance(rows * unit) == pytest.approx(near * unit)
    assert near_distance(np.column_stack([rows, np.full(len(rows), 3.0)])) == pytest.approx(near)


def test_in_one_dimension_a_crowded_line_is_not_all_copies():
    line = np.random.default_rng(0).normal(size=(2000, 1))
    assert first_of_its_kind(line, distance=near_distance(line)).sum() > 500


def test_fewer_than_two_rows_have_no_usual_distance():
    assert usual_distance(np.zeros((1, 3))) == near_distance(np.zeros((0, 3))) == 0.0
    assert first_of_its_kind(np.zeros((0, 3)), distance=1.0).shape == (0,)


@pytest.mark.parametrize("distance", [-1.0, float("nan")])
def test_a_distance_that_is_none_is_refused(distance):
    with pytest.raises(ValueError, match="cannot be negative"):
        first_of_its_kind(np.zeros((2, 2)), distance=distance)
