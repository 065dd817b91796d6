"""Near-duplicates: one of each kind stays, the first, and nothing else goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inputs.duplicates import first_of_its_kind, linked, near_copies, near_distance, usual_distance

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


@pytest.mark.parametrize("dimensions", [2, 3, 12, 64])
def test_jittered_copies_are_linked_and_rows_that_are_close_by_chance_are_not(dimensions):
    rows = np.random.default_rng(dimensions).standard_normal((1500, dimensions))
    copies = rows[:500] + 1e-5 * np.random.default_rng(1).standard_normal((500, dimensions))
    groups = near_copies(np.vstack([rows, copies]))
    assert (groups[:500] == groups[1500:]).mean() > 0.98
    assert len(np.unique(groups[:1500])) >= 1485


def test_rows_along_a_curve_are_not_copies_of_their_neighbours():
    at = np.sort(np.random.default_rng(0).random(3000))
    groups = near_copies(np.column_stack([np.sin(k * at) for k in range(1, 13)]))
    assert len(np.unique(groups)) > 2950


def test_copies_of_copies_are_one_group():
    at = np.array([0.0, 1.0, 2.0, 3.0, 9.0])
    groups = linked(
        5, iter([np.array([0, 0, -1, 1, 1]), np.array([-1, 2, 2, 2, -1])]), lambda i, j: abs(at[i] - at[j]) <= 1
    )
    assert groups.tolist()[:3] == [groups[0]] * 3 and len(set(groups[2:].tolist())) == 3


def test_minus_zero_is_zero_and_few_rows_are_no_trouble():
    zero, minus_zero, one = near_copies(np.array([[0.0], [-0.0], [1.0]]))
    assert zero == minus_zero != one
    assert near_copies(np.zeros((0, 3))).shape == (0,)
    assert near_copies(np.zeros((1, 3))).tolist() == [0]
    assert len(set(near_copies(np.ones((5, 2))))) == 1
