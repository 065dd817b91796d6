"""Paired differences: sharper than two intervals apart, and right about which model is better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import binomtest

from analysis.metrics.performance.classification import classification
from analysis.metrics.performance.paired import accuracy_difference, compare, equal_accuracy, mean_difference
from validation import InvalidInput

seeds = st.integers(0, 10_000)
METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc", "cost")


def labelled(seed, n, k=3):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * 2
    truth = (softmax(logits, axis=1).cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    a, b = (softmax(logits + rng.normal(size=(n, k)) * noise, axis=1) for noise in (0.8, 0.5))
    return truth, a, b, rng.choice([1.0, 0.3, 0.05], n)


def compared(truth, a, b, inclusion, **more):
    k = a.shape[1]
    return compare(
        truth,
        a.argmax(axis=1),
        b.argmax(axis=1),
        classes=[str(c) for c in range(k)],
        inclusion_probability=inclusion,
        probabilities_a=a,
        probabilities_b=b,
        costs=1 - np.eye(k),
        **more,
    )


@given(seeds, st.integers(2, 80))
@settings(max_examples=40)
def test_each_difference_is_that_of_the_two_performances(seed, n):
    truth, a, b, inclusion = labelled(seed, n)
    found = compared(truth, a, b, inclusion)
    each = [
        classification(
            truth,
            p.argmax(axis=1),
            classes="012",
            inclusion_probability=inclusion,
            probabilities=p,
            costs=1 - np.eye(3),
        )
        for p in (a, b)
    ]
    for name in METRICS:
        one, other, difference = (getattr(x, name) for x in (*each, found))
        if difference.value is None:
            assert one.value is None and difference.note
        else:
            assert difference.value == pytest.approx(other.value - one.value, abs=1e-9)
            assert difference.low - 1e-9 <= difference.value <= difference.high + 1e-9


@given(seeds, st.integers(2, 60))
@settings(max_examples=40)
def test_to_swap_the_models_is_to_turn_the_sign(seed, n):
    truth, a, b, inclusion = labelled(seed, n)
    found, swapped = compared(truth, a, b, inclusion), compared(truth, b, a, inclusion)
    for name in METRICS:
        one, other = getattr(found, name), getattr(swapped, name)
        if one.value is not None:
            assert (one.low, one.value, one.high) == pytest.approx((-other.high, -other.value, -other.low), abs=1e-9)
    assert (found.wins.fixed, found.wins.broken) == (swapped.wins.broken, swapped.wins.fixed)
    assert found.test.p == swapped.test.p or found.test.p == pytest.approx(swapped.test.p)


@given(seeds, st.integers(1, 60))
@settings(max_examples=40)
def test_the_four_cells_hold_every_label_once(seed, n):
    truth, a, b, inclusion = labelled(seed, n)
    wins = compared(truth, a, b, inclusion).wins
    assert wins.both_right + wins.fixed + wins.broken + wins.both_wrong == n
    assert sum(wins.shares) == pytest.approx(1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_unweighted_the_test_is_mcnemars_exact_one(pairs):
    a, b = np.array(pairs).T
    found = equal_accuracy(a, b, np.full(len(pairs), 0.2))
    fixed, broken = int((b & ~a).sum()), int((a & ~b).sum())
    if fixed + broken:
        assert found.p == pytest.approx(binomtest(fixed, fixed + broken).pvalue)
    else:
        assert found.p is None and "same items" in found.note


@given(seeds, st.integers(2, 40))
@settings(max_examples=40)
def test_a_mean_difference_is_the_mean_of_the_differences(seed, n):
    rng = np.random.default_rng(seed)
    a, b, inclusion = rng.random(n), rng.random(n), rng.choice([1.0, 0.1], n)
    found = mean_difference(a, b, inclusion)
    assert found.value == pytest.approx(np.average(b - a, weights=1 / inclusion))
    assert found.low <= found.value <= found.high


def test_the_interval_agrees_with_the_published_paired_one():
    # Newcombe (1998), table III: 36 right by both, 12 and 2 by one alone, 0 by neither; method 10: .0569 to .3404.
    a = np.repeat([True, True, False], [36, 12, 2])
    b = np.repeat([True, False, True], [36, 12, 2])
    found = accuracy_difference(b, a, np.ones(50))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=0.01)


def test_equal_models_are_distinguished_no_more_often_than_the_level_says():
    rng = np.random.default_rng(6)
    excludes_zero, rejects = [], []
    for _ in range(400):
        inclusion = np.where(np.arange(600) < 200, 1.0, 0.1)
        kind = rng.choice(4, 600, p=[0.8, 0.06, 0.06, 0.08])
        a, b = (kind == 0) | (kind == 1), (kind == 0) | (kind == 2)
        found = accuracy_difference(a, b, inclusion)
        excludes_zero.append(not found.low <= 0 <= found.high)
        rejects.append(equal_accuracy(a, b, inclusion).p < 0.05)
    assert np.mean(excludes_zero) == pytest.approx(0.05, abs=0.03)
    assert np.mean(rejects) == pytest.approx(0.05, abs=0.03)


def test_differences_hold_the_truth_and_are_sharper_than_two_intervals():
    rng = np.random.default_rng(7)

    def traffic(n):
        logits = rng.normal(size=(n, 2)) * 2
        truth = (softmax(logits, axis=1)[:, 1] > rng.random(n)).astype(int)
        return truth, *(softmax(logits + rng.normal(size=(n, 2)) * noise, axis=1) for noise in (1.2, 0.3))

    truth, a, b = traffic(400_000)
    true = compared(truth, a, b, np.ones(400_000))
    held, sharper = [], []
    for _ in range(160):
        truth, a, b = traffic(2500)
        active = np.abs(a[:, 1] - 0.5) < 0.04
        rows = np.flatnonzero(active | (rng.random(2500) < 0.12))
        inclusion = np.where(active[rows], 1.0, 0.12)
        found = compared(truth[rows], a[rows], b[rows], inclusion)
        held.append([getattr(found, m).low <= getattr(true, m).value <= getattr(found, m).high for m in METRICS])
        alone = [
            classification(truth[rows], p[rows].argmax(axis=1), classes="01", inclusion_probability=inclusion).accuracy
            for p in (a, b)
        ]
        apart = sum((e.high - e.low) ** 2 for e in alone) ** 0.5
        sharper.append(found.accuracy.high - found.accuracy.low < apart)
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    assert np.mean(sharper) > 0.9


def test_rare_and_heavy_differences_in_cost_hold_the_truth():
    """Few labels of great weight decide: of these the plain linearised interval held the truth in 89 of 100."""
    held, rng, costs = 0, np.random.default_rng(0), np.array([[0.0, 1.0], [5.0, 0.0]])
    for _ in range(400):
        chance = np.repeat([1.0, 0.05], [200, 150])
        truth = rng.integers(0, 2, 350)
        a, b = (np.where(rng.random(350) < np.repeat([0.3, 0.03], [200, 150]), 1 - truth, truth) for _ in range(2))
        found = compare(truth, a, b, classes=("no", "yes"), inclusion_probability=chance, costs=costs).cost
        held += found.low <= 0 <= found.high
    assert binomtest(held, 400, 0.95).pvalue > 0.001


def test_models_that_never_differ_on_few_labels_may_differ_elsewhere():
    truth, costs = np.tile([0, 1], 40), np.array([[0.0, 1.0], [5.0, 0.0]])
    found = compare(truth, truth, truth, classes=("no", "yes"), inclusion_probability=np.ones(80), costs=costs).cost
    assert found.low < found.value == 0 < found.high < 0.5


def test_the_same_model_twice_differs_by_nothing_within_a_narrow_doubt():
    truth, a, _, inclusion = labelled(1, 300)
    found = compared(truth, a, a, inclusion)
    assert found.accuracy.value == 0 and found.accuracy.low < 0 < found.accuracy.high
    assert found.log_loss.value == found.roc_auc.value == 0
    assert found.test.p is None


def test_nothing_labelled_is_undefined_and_says_so():
    found = compared(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3)), [])
    assert {getattr(found, name).value for name in METRICS} == {None}
    assert found.accuracy.note == mean_difference([], [], []).note == "No labelled items."


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: accuracy_difference([1, 0], [1], [1.0, 1.0]), "correct_b has 1 rows where 2"),
        (lambda: accuracy_difference([2], [1], [1.0]), "correct_a has 2 in row 0"),
        (lambda: mean_difference([1.0], [np.nan], [1.0]), "values_b has nan in row 0"),
        (lambda: equal_accuracy([1], [0], [0.0]), "inclusion_probability has 0"),
        (lambda: compare([0], [0], [5], classes="ab", inclusion_probability=[1.0]), "predicted_b has class 5"),
        (
            lambda: compare([0], [0], [0], classes="ab", inclusion_probability=[1.0], probabilities_b=[[0.5, 0.4]]),
            "Row 0 of probabilities sums to 0.9",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(call, says):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert says in str(refused.value)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([1.0, 0.3, 0.05])), min_size=1, max_size=60))
def test_the_difference_of_accuracies_is_that_of_the_shares_and_turns_with_its_sides(rows):
    a, b, inclusion = (np.array(part) for part in zip(*rows, strict=True))
    found, turned = accuracy_difference(a, b, inclusion), accuracy_difference(b, a, inclusion)
    assert found.value == pytest.approx(np.average(b.astype(float) - a, weights=1 / inclusion))
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low))
