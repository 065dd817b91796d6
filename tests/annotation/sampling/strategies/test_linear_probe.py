"""The second blended: asked only where the model speaks in steps, better than such a model there, and said in words."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from annotation.sampling import Pool, select
from annotation.sampling.pool import check_pool
from annotation.sampling.strategies.linear_probe import blend_linear_probe, granularity


def simulated(seed, labels=60, n=1500, model=None):
    """A pool scored by a model of its first labels, and the truth of the pool."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + labels, 8))
    y = (x @ np.array([1, 0.8, 0.6, 0.5, 0, 0, 0, 0]) + rng.normal(size=n + labels) > 1.2).astype(int)
    fitted = (model or HistGradientBoostingClassifier(max_iter=60, random_state=0)).fit(x[:labels], y[:labels])
    pool = Pool(x[labels:], fitted.predict_proba(x[labels:]), ("no", "yes"), x[:labels], y[:labels])
    return check_pool(pool), y[labels:]


def test_trees_of_few_labels_are_given_a_linear_probe_that_ranks_better():
    gains = []
    for seed in range(10):
        pool, truth = simulated(seed)
        blended = blend_linear_probe(pool)
        assert blended.weight == pytest.approx(100 / 160)
        ranked = [roc_auc_score(truth, one.probabilities[:, 1]) for one in (blended.pool, pool)]
        gains.append(ranked[0] - ranked[1])
    assert np.mean(gains) > 0.03
    assert min(gains) > -0.02


def test_a_model_that_tells_all_items_apart_is_believed_alone():
    pool, _ = simulated(0, model=LogisticRegression())
    assert granularity(pool) == 1.0
    blended = blend_linear_probe(pool)
    assert blended.weight == 0.0
    assert blended.pool is pool


def test_items_that_are_alike_are_no_steps_of_the_model():
    pool, _ = simulated(0, model=LogisticRegression())
    twice = replace(
        pool, vectors=np.repeat(pool.vectors, 2, axis=0), probabilities=pool.probabilities.repeat(2, axis=0)
    )
    assert granularity(twice) == pytest.approx(1.0)


def test_many_labels_one_class_or_no_score_need_no_linear_probe():
    pool, _ = simulated(0, labels=2000, n=200)
    assert granularity(replace(pool, probabilities=np.full((200, 2), 0.5))) < 0.01
    assert blend_linear_probe(replace(pool, probabilities=np.full((200, 2), 0.5))).weight == 0.0
    few, _ = simulated(0)
    assert blend_linear_probe(replace(few, labelled_targets=np.zeros(60, dtype=np.intp))).weight == 0.0
    assert blend_linear_probe(replace(few, probabilities=None)).weight == 0.0


def test_the_unit_of_the_vectors_does_not_matter():
    pool, _ = simulated(1)
    other = replace(pool, vectors=pool.vectors * 1000, labelled_vectors=pool.labelled_vectors * 1000)
    ours, theirs = (blend_linear_probe(one).pool.probabilities for one in (pool, other))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@given(st.data())
def test_every_blend_is_a_distribution_between_the_models(data):
    k = data.draw(st.integers(2, 5))
    finite = st.floats(-1e6, 1e6, width=32)
    vectors = data.draw(arrays(np.float32, (12, 3), elements=finite))
    labelled = data.draw(arrays(np.float32, (6, 3), elements=finite))
    targets = data.draw(arrays(np.intp, 6, elements=st.integers(0, k - 1)))
    step = data.draw(st.integers(0, 12))
    said = np.full((12, k), 1 / k)
    said[:step] = np.eye(k)[0]
    pool = check_pool(Pool(vectors, said, tuple("abcde"[:k]), labelled, targets))
    blended = blend_linear_probe(pool)
    mixed = blended.pool.probabilities
    np.testing.assert_allclose(mixed.sum(axis=1), 1.0, atol=1e-6)
    assert (mixed >= (1 - blended.weight) * said - 1e-9).all()
    unseen = np.setdiff1d(np.arange(k), targets)
    np.testing.assert_allclose(mixed[:, unseen], (1 - blended.weight) * said[:, unseen], atol=1e-9)


def test_the_round_says_that_two_spoke():
    pool, _ = simulated(2)
    chosen = select(pool, size=10, seed=0)
    assert chosen.strategy == "herding"
    assert "a linear probe has a weight of 62%" in chosen.why
    assert all(reason.endswith(", by the model and a quick estimate from 60 labels") for reason in chosen.reason)
    assert "fit" not in select(pool, size=10, strategy="margin", seed=0).why
