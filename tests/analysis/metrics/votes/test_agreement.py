"""Agreement: right on published examples, honest about what has no value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from analysis.metrics.votes.agreement import (
    LEVELS,
    NO_PAIRS,
    NO_SPREAD,
    ONE_ITEM,
    ONE_VALUE,
    by_label,
    by_pair,
    cohen,
    fleiss,
    krippendorff,
)
from validation import InvalidInput

# Krippendorff (2011), "Computing Krippendorff's alpha-reliability", example C: 4 observers, 12 units, 0 = no value.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
PEOPLE, ITEMS = np.nonzero(OBSERVERS)
VALUES = OBSERVERS[PEOPLE, ITEMS]

votes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_gives_the_published_alpha(level, published):
    found = krippendorff(ITEMS, PEOPLE, VALUES, level=level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert found.low < found.value < found.high
    assert (found.items, found.votes) == (11, 40)


def test_ordinal_alpha_follows_the_order_given():
    named = np.array(["", "one", "two", "three", "four", "five"])[VALUES]
    order = ["one", "two", "three", "four", "five"]
    assert krippendorff(ITEMS, PEOPLE, named, level="ordinal", order=order).value == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_agrees_with_scikit_learn(weights):
    rng = np.random.default_rng(3)
    first = rng.integers(0, 4, 200)
    second = np.where(rng.random(200) < 0.6, first, rng.integers(0, 4, 200))
    assert cohen(first, second, weights=weights).value == pytest.approx(
        cohen_kappa_score(first, second, weights=weights)
    )


def test_fleiss_gives_the_published_kappa():
    # Fleiss (1971) as worked in most textbooks: 10 items, 14 votes, 5 classes.
    table = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    found = fleiss(table)
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low < 0.210 < found.high


def test_bootstrap_intervals_cover_the_truth():
    truth = 0.36  # two annotators, each right 80 % of the time on a fair coin: (0.68 - 0.5) / 0.5
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        real = rng.integers(0, 2, 150)
        first, second = (np.where(rng.random(150) < 0.8, real, 1 - real) for _ in range(2))
        found = cohen(first, second, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered >= 52


def test_chance_agreement_is_near_zero_and_perfect_agreement_is_one():
    rng = np.random.default_rng(0)
    items, people = np.repeat(np.arange(400), 3), np.tile(np.arange(3), 400)
    assert abs(krippendorff(items, people, rng.integers(0, 3, 1200)).value) < 0.06
    perfect = krippendorff(items, people, np.repeat(rng.integers(0, 3, 400), 3))
    assert (perfect.value, perfect.low, perfect.note) == (1.0, None, NO_SPREAD)


def test_one_value_only_is_undefined_and_says_so():
    assert cohen(["a"] * 5, ["a"] * 5).note == ONE_VALUE
    assert fleiss([[3, 0], [3, 0]]).note == ONE_VALUE
    for level in LEVELS:
        found = krippendorff([1, 1, 2, 2], ["x", "y", "x", "y"], [4, 4, 4, 4], level=level)
        assert (found.value, found.low, found.note) == (None, None, ONE_VALUE)


def test_one_annotator_only_is_undefined_and_says_so():
    found = krippendorff([1, 2, 3], ["x", "x", "x"], [0, 1, 0])
    assert (found.value, found.votes, found.note) == (None, 0, NO_PAIRS)
    assert fleiss([[1, 0], [0, 1]]).note == NO_PAIRS
    assert by_pair([1, 2], ["x", "x"], [0, 1]) == {}


def test_nothing_at_all_is_undefined_and_says_so():
    assert cohen([], []).note == NO_PAIRS
    assert krippendorff([], [], []).note == NO_PAIRS
    assert fleiss(np.zeros((0, 2))).note == NO_PAIRS


@pytest.mark.parametrize("unit", [2.0**-900, 2.0**900])
def test_the_unit_of_numbers_does_not_matter(unit):
    items, people, values = np.repeat(range(9), 2), np.tile([1, 2], 9), np.random.default_rng(0).normal(size=18)
    found = krippendorff(items, people, unit * values, level="interval")
    assert found == krippendorff(items, people, values, level="interval")


def test_one_item_has_a_value_but_no_interval():
    found = krippendorff([1, 1, 1], ["x", "y", "z"], [0, 1, 1])
    assert found.value is not None
    assert (found.low, found.note) == (None, ONE_ITEM)


def test_the_last_of_two_votes_by_one_annotator_counts():
    assert krippendorff([1, 1, 1, 2, 2], list("xxyxy"), [0, 1, 1, 0, 0]).value == 1.0


def test_a_label_that_people_read_differently_stands_out():
    rng = np.random.default_rng(1)
    real = np.repeat(rng.integers(0, 3, 300), 2)
    given = np.where(real == 0, 0, rng.integers(1, 3, 600))
    found = by_label(np.repeat(np.arange(300), 2), np.tile(["x", "y"], 300), given)
    assert found[0].value == 1.0
    assert found[1].value < 0.3


def test_pairs_share_items_or_are_left_out():
    found = by_pair([1, 2, 3, 1, 2, 3, 9], list("xxxyyyz"), [0, 1, 0, 0, 1, 1, 0])
    assert list(found) == [("x", "y")]
    assert found["x", "y"].items == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cohen([1, 2], [1]), "same items"),
        (lambda: cohen([1.0, np.nan], [1, 2]), "missing"),
        (lambda: cohen(["a"], ["b"], weights="linear"), "order"),
        (lambda: cohen([1], [2], weights="cubic"), "cubic"),
        (lambda: cohen(["a"], ["b"], order=["a"]), "'b' is not in the order"),
        (lambda: fleiss([[2, 1], [1, 0]]), "equally many"),
        (lambda: fleiss([[np.nan, 1]]), "whole numbers"),
        (lambda: fleiss([[-1, 3]]), "whole numbers"),
        (lambda: krippendorff([1], [1, 2], [1]), "same length"),
        (lambda: krippendorff([1, 1], [1, 2], [None, "a"]), "1 votes have no label"),
        (lambda: krippendorff([1, 1], [1, 2], ["b", "a"], level="ordinal"), "order"),
        (lambda: krippendorff([1, 1], [1, 2], [np.inf, 1.0], level="interval"), "finite"),
        (lambda: krippendorff([1, 1], [1, 2], [1, 2], level="ratio"), "ratio"),
    ],
)
def test_bad_input_is_refused_with_its_reason(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()


@given(votes, st.sampled_from(LEVELS))
def test_alpha_is_at_most_one_inside_its_interval_and_does_not_depend_on_names(rows, level):
    items, people, labels = (list(column) for column in zip(*rows, strict=True))
    found = krippendorff(items, people, labels, level=level)
    assert found.value is None or (found.value <= 1 + 1e-9 and np.isfinite(found.value))
    if found.low is not None:
        assert found.low <= found.value <= found.high <= 1 + 1e-9
    if found.value is None or found.low is None:
        assert found.note
    renamed = krippendorff([f"i{9 - i}" for i in items], [f"p{p}" for p in people], labels, level=level)
    assert renamed.value == pytest.approx(found.value) if found.value is not None else renamed.value is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30), st.sampled_from([None, "linear"]))
def test_kappa_is_symmetric_and_at_most_one(pairs, weights):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, turned = cohen(first, second, weights=weights), cohen(second, first, weights=weights)
    assert found.value == pytest.approx(turned.value) if found.value is not None else turned.value is None
    assert found.value is None or found.value <= 1 + 1e-9


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(0, 10))
def test_fleiss_is_krippendorff_without_the_small_sample_term(chosen, seed):
    table = np.stack([np.bincount([c, (c + seed) % 5, 0], minlength=5) for c in chosen])
    found = fleiss(table)
    items = np.repeat(np.arange(len(chosen)), 3)
    labels = np.concatenate([np.repeat(np.arange(5), row) for row in table])
    alpha = krippendorff(items, np.tile(np.arange(3), len(chosen)), labels)
    n = 3 * len(chosen)
    if found.value is None:
        assert alpha.value is None
    else:
        assert 1 - alpha.value == pytest.approx((1 - found.value) * (n - 1) / n)


@given(votes)
def test_every_pair_and_every_label_has_an_agreement_or_a_note(rows):
    items, people, labels = (list(column) for column in zip(*rows, strict=True))
    for found in [*by_label(items, people, labels).values(), *by_pair(items, people, labels).values()]:
        assert found.value is not None or found.note
