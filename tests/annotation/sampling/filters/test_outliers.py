"""Outliers: what lies far from everything is set aside, a small reference of its own is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.sampling import out_of_scope

NORMAL = np.random.default_rng(0).normal(size=(3000, 8))


@given(st.integers(0, 50), st.floats(0.01, 100))
@settings(max_examples=20)
def test_far_rows_are_set_aside_in_any_unit_and_the_bulk_is_not(seed, unit):
    rows = np.vstack([NORMAL[seed : seed + 50], [[30.0] * 8]]) * unit
    found = out_of_scope(rows, NORMAL * unit, seed=seed)
    assert found[-1]
    assert found[:-1].sum() <= 1


@pytest.mark.simulation
@given(st.integers(0, 50))
@settings(max_examples=20)
def test_rows_do_not_depend_on_one_another(seed):
    rows = np.vstack([NORMAL[:20], np.full((3, 8), 20.0) * [[1], [2], [-3]]])
    together = out_of_scope(rows, NORMAL, seed=seed)
    apart = [out_of_scope(row[None], NORMAL, seed=seed)[0] for row in rows]
    assert together.tolist() == apart


def test_a_rare_cluster_is_not_set_aside():
    rng = np.random.default_rng(1)
    rare = 25 + rng.normal(size=(14, 8)) / 2  # of 3,014: four or five in the sample of 1,000, too few by themselves
    everything = np.vstack([NORMAL, rare])
    assert not out_of_scope(rare, everything, seed=0).any()


@pytest.mark.parametrize("reference", [NORMAL[:20], np.ones((100, 8)), np.zeros((0, 8))])
def test_too_little_to_judge_by_sets_nobody_aside(reference):
    assert not out_of_scope(np.full((3, 8), 99.0), reference, seed=0).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        out_of_scope(np.full((1, 8), bad), NORMAL, seed=0)


def test_no_rows_no_answer():
    assert out_of_scope(np.zeros((0, 8)), NORMAL, seed=0).shape == (0,)
