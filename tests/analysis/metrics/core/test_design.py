"""Designs: weights by inverse probability, and copies of an item as one cluster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics.core.design import design
from validation import InvalidInput

sizes = st.lists(st.integers(1, 6), min_size=2, max_size=20)


def test_items_without_copies_make_no_clusters():
    chance = np.random.default_rng(0).uniform(0.1, 1, 30)
    plain, grouped = design(chance), design(chance, groups=np.arange(30)[::-1])
    assert grouped.group is None
    assert (grouped.effective_n, grouped.mass, grouped.freedom) == (plain.effective_n, plain.mass, plain.freedom)


@given(sizes)
def test_copies_count_once_whatever_their_number(size):
    group = np.repeat(np.arange(len(size)), size)
    drawn = design(np.ones(group.size), groups=group)
    assert drawn.units == len(size)
    assert 1 - 1e-9 <= drawn.effective_n <= len(size) + 1e-9
    assert drawn.summed(np.ones(group.size)).tolist() == size
    if len(set(size)) == 1:
        assert drawn.effective_n == pytest.approx(len(size))
        assert drawn.freedom == pytest.approx(max(len(size) - 1, 1))


def test_names_of_groups_mean_nothing():
    chance, group = np.ones(6), np.array([3, 1, 3, 2, 2, 2])
    named = design(chance, groups=np.array(["c", "a", "c", "b", "b", "b"]))
    assert (named.group == design(chance, groups=group).group).all()


def test_a_finite_window_draws_copies_one_by_one():
    assert design(np.full(4, 0.5), population=10, groups=[0, 0, 1, 1]).group is None


def test_a_large_cluster_is_not_closer_to_the_estimate_than_it_would_be_without_it():
    group = np.repeat(np.arange(5), [5, 1, 1, 1, 1])
    drawn, values = design(np.ones(9), groups=group), np.where(group == 0, 1.0, 0.0)
    mean = values.mean()
    without = np.array([values[group != g].mean() for g in range(5)])
    found = drawn.contributions((values - mean) / values.size)
    assert found == pytest.approx((mean - without) * (1 - 1 / 5))


@pytest.mark.parametrize("groups", [[0, 1], [[0, 1, 2]], [0, "a", None]])
def test_groups_of_another_shape_or_of_several_types_are_refused(groups):
    with pytest.raises(InvalidInput, match="groups"):
        design(np.ones(3), groups=np.array(groups, dtype=object))
