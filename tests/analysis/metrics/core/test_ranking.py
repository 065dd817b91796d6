"""One sort of the scores: areas are scikit-learn's, ties are one, and influences are derivatives."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from analysis.metrics.core import ranking
from analysis.metrics.core.design import design

seeds, rows = st.integers(0, 10_000), st.integers(2, 60)


def drawn(seed, n):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).round(1)
    return rng.random(n) < scores, scores, rng.choice([1.0, 0.4, 0.05], n)


def both(seed, n):
    truth, scores, inclusion = drawn(seed, n)
    assume(0 < truth.sum() < n)
    return truth, scores, inclusion


@given(seeds, st.integers(0, 60))
def test_a_ranking_falls_counts_ties_once_and_can_be_put_back(seed, n):
    truth, scores, inclusion = drawn(seed, n)
    ranked = ranking.rank(truth, scores, 1 / inclusion)
    assert (np.diff(ranked.scores) <= 0).all()
    assert ranked.last.size == np.unique(scores).size
    assert ranked.as_given(ranked.scores).tolist() == scores.tolist()
    if n:
        above = ranked.at_or_above(np.ones(n))
        assert above.tolist() == [(scores >= s).sum() for s in np.unique(scores)[::-1]]
        assert ranked.per_item(above).tolist() == [(scores >= s).sum() for s in ranked.scores]


@given(seeds, rows)
def test_areas_are_those_of_scikit_learn_whatever_the_ties(seed, n):
    truth, scores, inclusion = both(seed, n)
    ranked = ranking.rank(truth, scores, 1 / inclusion)
    roc = metrics.roc_auc_score(truth, scores, sample_weight=1 / inclusion)
    assert ranking.roc_area(ranked)[0] == pytest.approx(roc)
    precision = metrics.average_precision_score(truth, scores, sample_weight=1 / inclusion)
    assert ranking.pr_area(ranked)[0] == pytest.approx(precision)


@given(seeds, st.integers(3, 25), st.integers(0, 99))
@settings(max_examples=40)
def test_influences_are_what_a_little_more_weight_of_an_item_changes(seed, n, row):
    truth, scores, inclusion = both(seed, n)
    weight, step = 1 / inclusion, 1e-5
    more = weight.copy()
    more[row % n] += step
    for area in (ranking.roc_area, ranking.pr_area):
        ranked = ranking.rank(truth, scores, weight)
        value, influence = area(ranked)
        slope = (area(ranking.rank(truth, scores, more))[0] - value) / step
        assert ranked.as_given(influence)[row % n] == pytest.approx(slope, abs=1e-4)
        assert weight @ ranked.as_given(influence) == pytest.approx(0, abs=1e-8)


@given(seeds, st.integers(0, 40))
def test_areas_are_estimates_in_the_unit_interval_or_say_why_not(seed, n):
    truth, scores, inclusion = drawn(seed, n)
    made = design(inclusion)
    alone = ranking.roc_auc(truth, scores, made), ranking.pr_auc(truth, scores, made)
    together = ranking.areas(ranking.rank(truth, scores, made.weight), made)
    assert alone == together
    for found in alone:
        if why := ranking.one_sided(truth):
            assert found.value is None and found.note == why
        else:
            assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.lists(st.booleans(), max_size=20))
def test_one_class_alone_is_reported(truth):
    assert bool(ranking.one_sided(np.array(truth, dtype=bool))) == (len(set(truth)) < 2)


@given(seeds, st.integers(2, 40), st.floats(0, 1))
def test_bounded_limits_never_leave_zero_to_one(seed, n, value):
    rng = np.random.default_rng(seed)
    found = ranking.bounded(value, rng.normal(size=n), design(rng.choice([1.0, 0.1], n)), level=0.95, method="m")
    assert 0 <= found.low <= value + 1e-12 and value - 1e-12 <= found.high <= 1
