"""One sampling round: what holds for every strategy, pool and seed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.sampling import STRATEGIES, Pool, select
from inputs.duplicates import near_distance
from tests.annotation.sampling.pools import make_pool
from validation import InvalidInput

SCORED = tuple(name for name in STRATEGIES if name != "committee")


@given(st.sampled_from(STRATEGIES), st.integers(1, 60), st.integers(1, 70), st.integers(1, 4), st.integers(0, 100))
@settings(max_examples=80)
def test_every_selection_is_whole(strategy, n, size, k, seed):
    pool = make_pool(n, k=k, labels=7, d=3, seed=seed)
    pool = replace(pool, member_probabilities=np.stack([pool.probabilities, pool.probabilities[::-1]]))
    chosen = select(pool, size=size, strategy=strategy, seed=seed)
    assert len(chosen) == min(size, n) == len(set(chosen.index.tolist()))
    assert ((chosen.index >= 0) & (chosen.index < n)).all()
    assert (np.diff(chosen.priority) < 0).all()
    assert ((chosen.priority > 0) & (chosen.priority <= 1)).all()
    assert all(chosen.reason)
    assert json.loads(json.dumps(chosen.numbers)) == list(chosen.numbers)
    assert len(chosen.arm) == len(chosen.reason) == len(chosen.numbers) == len(chosen)
    assert chosen.out_of_scope.shape == (n,)


@given(st.sampled_from(SCORED), st.integers(0, 20))
@settings(max_examples=30)
def test_the_same_seed_asks_the_same(strategy, seed):
    pool = make_pool(80)
    one, other = (select(pool, size=12, strategy=strategy, seed=seed) for _ in range(2))
    assert one.index.tolist() == other.index.tolist()
    assert one.reason == other.reason


@given(st.sampled_from(SCORED[:-1]), st.integers(0, 50))
@settings(max_examples=30)
def test_the_active_part_asks_no_copy_of_itself_or_of_a_label(strategy, seed):
    base = make_pool(40, d=4, seed=seed)
    rng = np.random.default_rng(seed)
    copies = np.vstack([base.vectors, base.vectors, base.labelled_vectors[:10]])
    copies = copies + 1e-3 * rng.normal(size=copies.shape)
    scores = np.vstack([base.probabilities, base.probabilities, np.full((10, 3), 1 / 3)])
    pool = replace(base, vectors=copies, probabilities=scores)
    chosen = select(pool, size=30, strategy=strategy, seed=seed)
    active = copies[chosen.index[~np.isin(chosen.arm, ("near_copy", "outlier"))]]
    known = np.vstack([active, base.labelled_vectors])
    gaps = np.linalg.norm(active[:, None] - known[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() > 0.01
    assert near_distance(copies) > 0.01


def test_copies_are_asked_only_where_nothing_else_is_left():
    pool = Pool(np.ones((50, 3)), np.full((50, 2), 0.5), ("a", "b"))
    chosen = select(pool, size=10, strategy="margin", seed=0)
    assert chosen.arm.tolist() == ["margin"] + ["near_copy"] * 9
    assert chosen.reason[1].startswith("a against b, margin 0.00; much like an item")


@pytest.mark.parametrize("strategy", ["margin", "herding", "diverse_margin", "entropy", "least_confidence", "auto"])
def test_what_is_unlike_anything_is_asked_last(strategy):
    pool = make_pool(200)
    far = np.vstack([pool.vectors, [[100.0] * 6, [-100.0] * 6]])
    scores = np.vstack([pool.probabilities, np.full((2, 3), 1 / 3)])
    pool = replace(pool, vectors=far, probabilities=scores)
    chosen = select(pool, size=40, strategy=strategy, seed=0)
    everything = select(pool, size=202, strategy=strategy, seed=0)
    assert chosen.out_of_scope[200:].all()
    assert not {200, 201} & set(chosen.index.tolist())
    assert set(everything.index[-2:].tolist()) == {200, 201}
    assert all("unlike any other item" in reason for reason in everything.reason[-2:])


def test_a_pool_without_scores_is_asked_to_its_end():
    pool = make_pool(30, scored=False, labels=0)
    pool = replace(pool, vectors=np.vstack([pool.vectors[:10]] * 3))
    chosen = select(pool, size=30, seed=0)
    assert sorted(chosen.index.tolist()) == list(range(30))
    assert (chosen.arm == "near_copy").sum() >= 15


def test_margin_asks_the_smallest_margins():
    p = np.linspace(0.5, 1.0, 100)
    pool = Pool(np.random.default_rng(0).normal(size=(100, 5)), np.column_stack([p, 1 - p]), ("ham", "spam"))
    chosen = select(pool, size=9, strategy="margin", seed=0)
    assert sorted(chosen.index.tolist()) == list(range(9))
    assert chosen.reason[0] == "ham against spam, margin 0.00"


def test_a_committee_asks_where_its_members_differ():
    pool = make_pool(60, k=2)
    sure, other = np.tile([0.99, 0.01], (60, 1)), np.tile([0.99, 0.01], (60, 1))
    other[7] = [0.01, 0.99]
    chosen = select(replace(pool, member_probabilities=np.stack([sure, other])), size=4, strategy="committee", seed=0)
    assert chosen.index[0] == 7
    assert chosen.reason[0].startswith("2 models disagree by 0.6")


@pytest.mark.parametrize("strategy", ["margin", "entropy", "least_confidence", "diverse_margin", "herding"])
def test_doubt_needs_a_model(strategy):
    with pytest.raises(InvalidInput, match="needs the model's probabilities"):
        select(make_pool(20, scored=False), size=4, strategy=strategy, seed=0)


def test_a_committee_needs_members():
    with pytest.raises(InvalidInput, match="at least two members"):
        select(make_pool(20), size=4, strategy="committee", seed=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"size": 0}, "at least one item"), ({"size": 3, "strategy": "best"}, "Unknown strategy")],
)
def test_a_round_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        select(make_pool(20), seed=0, **options)


def test_one_class_only_has_nothing_to_doubt_and_says_so():
    chosen = select(make_pool(30, k=1), size=6, seed=0)
    assert len(chosen) == 6
    assert all("only class" in reason for reason in chosen.reason)


def test_constant_columns_change_nothing():
    pool = make_pool(100)
    wide = replace(
        pool,
        vectors=np.column_stack([pool.vectors, np.full(100, 5.0)]),
        labelled_vectors=np.column_stack([pool.labelled_vectors, np.full(len(pool.labelled_vectors), 5.0)]),
    )
    assert set(select(wide, size=20, strategy="margin", seed=3).index) == set(
        select(pool, size=20, strategy="margin", seed=3).index
    )
