"""The classifier of sides: chances of rows that it was not fitted to, by all other folds or by earlier ones alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.drift import side_classifier
from analysis.metrics.drift.separation import separation


def test_scores_of_other_rows_rise_towards_the_window():
    rng = np.random.default_rng(0)
    scores = side_classifier.domain_scores(
        rng.normal(size=(500, 1)), rng.normal(2, 1, (500, 1)), np.array([[-1.0], [1.0], [3.0]])
    )
    assert scores[0] < 0.2 < scores[1] < 0.8 < scores[2]


MATRICES = st.tuples(st.integers(0, 10_000), st.integers(60, 120), st.floats(-3, 3))


@settings(max_examples=6)
@given(MATRICES, st.integers(1, 6))
def test_held_out_scores_are_chances_and_blocks_stay_in_one_fold(drawn, block):
    seed, rows, moved = drawn
    rng = np.random.default_rng(seed)
    found = side_classifier.cross_fitted(
        rng.normal(size=(rows, 2)), rng.normal(moved, 1, (60, 2)), block=block, seed=seed
    )
    assert found.before.shape == (rows,) and found.now.shape == (60,)
    assert ((found.before > 0) & (found.before < 1)).all() and ((found.now > 0) & (found.now < 1)).all()
    folds = {(b, f) for b, f in zip(found.blocks.tolist(), found.folds.tolist(), strict=True)}
    assert len(folds) == len(set(found.blocks.tolist()))


@settings(max_examples=6)
@given(MATRICES)
def test_scores_of_other_rows_are_chances_and_the_same_every_time(drawn):
    seed, rows, moved = drawn
    rng = np.random.default_rng(seed)
    a, b, others = rng.normal(size=(rows, 2)), rng.normal(moved, 1, (60, 2)), rng.normal(size=(20, 2))
    scores = side_classifier.domain_scores(a, b, others, seed=seed)
    assert ((scores > 0) & (scores < 1)).all()
    assert scores.tolist() == side_classifier.domain_scores(a, b, others, seed=seed).tolist()
    assert side_classifier.classifier(seed).get_params()["random_state"] == seed


@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(2, 4), st.booleans())
def test_chances_are_those_of_the_classes_and_a_column_without_values_changes_none(seed, k, weighted):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(60, 2)), np.r_[np.arange(k), rng.integers(0, k, 60 - k)]
    weight = rng.uniform(0.1, 2, 60) if weighted else None
    found = side_classifier.chances(side_classifier.classifier(seed), x, y, weight)(x)
    blank = np.column_stack([x, np.full(60, np.nan)])
    assert found.shape == (60, k)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(
        side_classifier.chances(side_classifier.classifier(seed), blank, y, weight)(blank), found
    )


@settings(max_examples=6)
@given(MATRICES, st.integers(1, 6))
def test_scores_ahead_leave_out_the_first_fold_and_know_nothing_of_later_ones(drawn, block):
    seed, rows, moved = drawn
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(rows, 2)), rng.normal(moved, 1, (60, 2))
    ahead = side_classifier.forward_fitted(a, b, block=block, seed=seed)
    folds = side_classifier.cross_fitted(a, b, block=block, seed=seed).folds
    assert set(ahead.folds.tolist()) == {1, 2, 3, 4}
    assert len(ahead.before) == (folds[:rows] > 0).sum() and len(ahead.now) == (folds[rows:] > 0).sum()
    a[folds[:rows] == 4] += 9
    again = side_classifier.forward_fitted(a, b, block=block, seed=seed)
    earlier, size = ahead.folds < 4, len(ahead.before)
    assert np.array_equal(ahead.before[earlier[:size]], again.before[earlier[:size]])
    assert np.array_equal(ahead.now[earlier[size:]], again.now[earlier[size:]])
    assert not np.array_equal(ahead.before, again.before)


@pytest.mark.simulation
def test_two_samples_of_one_law_are_seldom_separated():
    """Scores of cross-validation, judged in the same way, said so of 15 of these 200."""
    separated = 0
    for seed in range(200):
        rng = np.random.default_rng([1, seed])
        ahead = side_classifier.forward_fitted(rng.normal(size=(150, 1)), rng.normal(size=(150, 1)), seed=seed)
        separated += separation(ahead, 99, 0.95, seed).p < 0.05
    assert separated <= 8
