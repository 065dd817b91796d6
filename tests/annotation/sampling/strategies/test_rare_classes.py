"""The quota: which classes are short of labels, and what is asked for them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.sampling import rare_class_quota, rare_classes, select
from tests.annotation.sampling.pools import make_pool
from validation.probabilities import InvalidProbabilities


def scored(shares, n=200):
    p = np.tile(np.asarray(shares, dtype=float), (n, 1))
    return p / p.sum(axis=1, keepdims=True)


@given(st.integers(0, 10_000))
def test_the_quota_is_a_fifth_and_leaves_places(count):
    assert 0 <= rare_class_quota(count) <= max(count - 1, 0)
    assert abs(rare_class_quota(count) - 0.2 * count) <= 0.5 or rare_class_quota(count) == 1


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8), st.lists(st.integers(0, 7), max_size=60))
def test_rare_classes_are_those_the_rule_states_fewest_labels_first(shares, codes):
    k = len(shares)
    targets = [code % k for code in codes]
    labels, share = np.bincount(np.array(targets, dtype=int), minlength=k), scored(shares)[0]
    even = len(targets) / k
    stated = {
        c
        for c in range(k)
        if k > 1 and (labels[c] < even / 4 or (share[c] < 0.25 / k - 1e-12 and labels[c] <= even / 2))
    }
    near = {c for c in range(k) if abs(share[c] - 0.25 / k) < 1e-9}
    found = rare_classes(scored(shares), targets)
    assert {one.code for one in found} - near == stated - near
    assert [one.labels for one in found] == sorted(one.labels for one in found)
    assert all(one.share == pytest.approx(share[one.code]) for one in found)


def test_a_class_that_the_model_never_names_cannot_be_sought():
    assert rare_classes([[1.0, 0.0]] * 9, [0] * 50) == ()


def test_one_class_only_or_nothing_at_all_is_not_rare():
    assert rare_classes([[1.0]] * 3, [0]) == ()
    assert rare_classes(np.zeros((0, 2)), []) == ()


def test_bad_input_is_refused():
    with pytest.raises(InvalidProbabilities):
        rare_classes([[np.nan, 1.0]], [0])
    with pytest.raises(ValueError, match="codes"):
        rare_classes([[0.5, 0.5]], [2])
    with pytest.raises(ValueError, match="cannot ask"):
        rare_class_quota(-1)


@pytest.mark.parametrize("labels", [0, 40])
def test_auto_asks_a_fifth_for_the_class_that_is_short(labels):
    pool = make_pool(200, k=2, labels=labels)
    p = np.full(200, 0.02)
    p[:30] = np.linspace(0.3, 0.9, 30)
    pool = replace(pool, probabilities=np.column_stack([1 - p, p]), labelled_targets=np.zeros(labels, dtype=int))
    chosen = select(pool, size=20, seed=0)
    rare = np.flatnonzero(chosen.arm == "rare_class")
    assert len(rare) == rare_class_quota(20) == 4
    assert all(chosen.numbers[place]["class"] == "class 1" for place in rare)
    assert set(chosen.index[rare].tolist()) <= set(range(20, 30))
    assert f"has 0 of {labels} labels" in chosen.reason[rare[0]]


def test_a_strategy_by_name_keeps_no_quota():
    pool = replace(make_pool(100), labelled_targets=np.zeros(30, dtype=int))
    assert "rare_class" in select(pool, size=20, seed=0).arm
    assert "rare_class" not in select(pool, size=20, strategy="herding", seed=0).arm
