"""The design: how many audit draws, with what probability, and an estimate without bias whatever was chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.sampling import Pool, audit_draws, hajek_mean, select
from annotation.sampling.design.audit import draw_audit, interleave
from tests.annotation.sampling.pools import make_pool


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1, exclude_min=True))
def test_every_round_holds_an_audit_draw_and_no_more_than_itself(size, pool, share):
    draws = audit_draws(size, pool, share)
    assert 1 <= draws <= min(size, pool)
    assert draws == min(size, pool) or draws <= share * min(size, pool) + 1


@pytest.mark.parametrize("size", [1, 12])
def test_only_a_share_of_nought_draws_nothing_uniformly(size):
    assert audit_draws(size, 100, 0.0) == 0
    chosen = select(make_pool(), size=size, strategy="margin", audit_share=0.0, seed=0)
    assert len(chosen) == size
    assert not chosen.audit.any()
    assert (chosen.inclusion_probability == 1).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_nought_to_one_is_refused(share):
    with pytest.raises(ValueError, match="audit share"):
        audit_draws(10, 100, share)


@given(st.integers(0, 40), st.integers(0, 40))
def test_audit_items_are_spread_evenly_through_the_round(active, audit):
    where = interleave(active, audit)
    assert len(where) == active + audit
    assert where.sum() == audit
    for cut in range(len(where)):
        assert abs(where[:cut].sum() - cut * audit / (active + audit)) <= 1


@given(st.integers(2, 60), st.integers(1, 20), st.data())
def test_weights_of_a_draw_sum_to_the_pool(n, draws, data):
    certain = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=n - 1))), dtype=np.intp)
    rows, probability = draw_audit(n, certain, draws, np.random.default_rng(0))
    assert not set(rows.tolist()) & set(certain.tolist())
    assert len(certain) + len(rows) / probability == pytest.approx(n)


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.01, 1)), min_size=1, max_size=20))
def test_the_weighted_mean_lies_between_the_values(pairs):
    values, probability = map(np.array, zip(*pairs, strict=True))
    mean = hajek_mean(values, probability)
    assert values.min() - 1e-9 <= mean <= values.max() + 1e-9


@pytest.mark.parametrize("probability", [[0.0], [1e-320], [1.5], [float("nan")], [0.5, 0.5], []])
def test_bad_inclusion_probabilities_are_refused(probability):
    with pytest.raises(ValueError, match="probabilit"):
        hajek_mean(np.ones(1) if len(probability) else np.zeros(0), np.array(probability))


@pytest.mark.parametrize("strategy", ["auto", "margin", "typical"])
def test_the_estimate_of_the_pool_is_unbiased_over_many_selections(strategy):
    pool = make_pool(120, labels=12)
    wrong = (np.random.default_rng(1).random(120) < 0.5 - 0.4 * pool.probabilities.max(axis=1)).astype(float)
    chosen = [select(pool, size=24, strategy=strategy, audit_share=0.4, seed=seed) for seed in range(400)]
    found = np.array([hajek_mean(wrong[one.index], one.inclusion_probability) for one in chosen])
    naive = np.array([wrong[one.index].mean() for one in chosen])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - wrong.mean()) < 3.3 * error
    if strategy == "margin":  # the plain mean of what doubt chose is far off, so the test can fail
        assert abs(naive.mean() - wrong.mean()) > 10 * naive.std(ddof=1) / np.sqrt(len(naive))


def test_a_round_of_one_states_the_probability_it_had():
    pool = Pool(np.arange(4.0)[:, None], np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.7, 0.3]]), ("a", "b"))
    chosen = [select(pool, size=1, strategy="margin", audit_share=0.4, seed=seed) for seed in range(2000)]
    rows = np.array([one.index[0] for one in chosen])
    stated = {int(one.index[0]): float(one.inclusion_probability[0]) for one in chosen}
    assert stated == pytest.approx({0: 0.1, 1: 0.7, 2: 0.1, 3: 0.1})
    np.testing.assert_allclose(np.bincount(rows) / len(rows), [stated[row] for row in range(4)], atol=0.04)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_none_has_no_mean(value):
    with pytest.raises(ValueError, match="no mean"):
        hajek_mean(np.array([1.0, value]), np.ones(2))
