"""Thresholds: the cheapest cut and band are the cheapest there are, and each band does what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.core.design import design
from analysis.metrics.performance.threshold_curve import Costs, threshold_curve
from analysis.metrics.performance.thresholds import band_at, cheapest_band, cheapest_threshold
from validation import InvalidInput

seeds = st.integers(0, 10_000)
prices = st.builds(Costs, st.floats(0, 10), st.floats(0, 10), st.floats(0, 3))


def labelled(seed, n, places=1):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).round(places)
    return rng.random(n) < scores, scores, rng.choice([1.0, 0.4, 0.05], n)


def cuts(scores):
    return [*np.unique(scores), np.nextafter(scores.max(), np.inf)]


@pytest.mark.simulation
@given(seeds, st.integers(1, 60), prices)
@settings(max_examples=40)
def test_no_pair_of_cuts_is_cheaper_than_the_cheapest_band(seed, n, costs):
    truth, scores, inclusion = labelled(seed, n)
    best = cheapest_band(truth, scores, design(inclusion), costs=costs)
    pairs = [(low, high) for low in cuts(scores) for high in cuts(scores) if low <= high]
    every = [band_at(truth, scores, design(inclusion), low=a, high=b, costs=costs).cost.value for a, b in pairs]
    assert best.cost.value == pytest.approx(min(every), abs=1e-9)


@pytest.mark.parametrize(
    ("missed", "alarms", "drawn_share", "asked"), [(0.01, 0.0, 0.03, 60), (0.02, 0.02, 0.05, 40), (0.1, 0.1, 0.1, 0)]
)
def test_the_interval_of_a_cost_covers_where_mistakes_are_rare_and_the_doubtful_items_were_asked(
    missed, alarms, drawn_share, asked
):
    """Seen: 0.001 [0.000, 0.008] per decision beside 29 audit labels that could have missed a cost of 2."""
    rng, covered, rounds, size, costs = np.random.default_rng(5), 0, 300, 2000, Costs(1, 20)
    for _ in range(rounds):
        chance = rng.random(size)
        miss, alarm = chance < missed, (chance >= missed) & (chance < missed + alarms)
        truth, scores = miss, alarm.astype(float)  # a miss is true and scored 0, an alarm false and scored 1
        doubtful = np.argsort(rng.random(size) - 0.3 * (miss | alarm))[:asked]
        inclusion = np.full(size, drawn_share)
        chosen = rng.random(size) < drawn_share
        inclusion[doubtful], chosen[doubtful] = 1.0, True
        found = band_at(truth[chosen], scores[chosen], design(inclusion[chosen]), low=0.5, high=0.5, costs=costs).cost
        covered += found.low - 1e-9 <= 20 * miss.mean() + alarm.mean() <= found.high + 1e-9
    assert covered / rounds >= 0.93


@given(seeds, st.integers(1, 60), prices)
@settings(max_examples=40)
def test_no_threshold_is_cheaper_than_the_cheapest(seed, n, costs):
    truth, scores, inclusion = labelled(seed, n)
    best = cheapest_threshold(truth, scores, design(inclusion), costs=costs)
    curve = threshold_curve(truth, scores, design(inclusion), costs=costs)
    assert best.low == best.high
    assert best.cost.value == pytest.approx(curve.cost.value.min())
    assert best.automation.value == 1


@given(seeds, st.integers(2, 60), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40)
def test_a_band_counts_every_label_once_and_its_shares_add_up(seed, n, one, other):
    truth, scores, inclusion = labelled(seed, n)
    found = band_at(truth, scores, design(inclusion), low=min(one, other), high=max(one, other))
    assert np.sum(found.counts) == n
    assert found.automation.value + found.review.value == pytest.approx(1)
    (_, missed), _, (alarms, _) = found.counts
    if found.error.value is not None:
        assert (found.error.value > 0) == (missed + alarms > 0)
    for estimate in (found.automation, found.review, found.error, found.precision, found.recall):
        assert estimate.value is None or 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_a_band_does_what_one_counts_by_hand():
    truth = [False, True, False, True, False, True]
    scores = [0.1, 0.2, 0.4, 0.5, 0.8, 0.9]
    found = band_at(truth, scores, design(np.ones(6)), low=0.4, high=0.8, costs=Costs(2, 10, 0.5))
    assert found.counts == ((1, 1), (1, 1), (1, 1))
    assert found.cost.value == pytest.approx((10 + 2 * 0.5 + 2) / 6)
    assert found.automation.value == pytest.approx(4 / 6)
    assert found.error.value == pytest.approx(2 / 4)
    assert found.precision.value == pytest.approx(1 / 2)
    assert found.recall.value == pytest.approx(2 / 3)


def test_a_free_review_sends_every_doubt_to_people_and_a_dear_one_none():
    truth, scores, inclusion = labelled(3, 2000, 2)
    free = cheapest_band(truth, scores, design(inclusion), costs=Costs(1, 1, 0))
    dear = cheapest_band(truth, scores, design(inclusion), costs=Costs(1, 1, 5))
    assert free.error.value in (0, None)
    assert dear.review.value == 0


def test_review_pays_where_it_is_cheaper_than_the_risk():
    rng = np.random.default_rng(4)
    scores = rng.random(20_000)
    truth = rng.random(20_000) < scores
    found = cheapest_band(truth, scores, design(np.ones(20_000)), costs=Costs(1, 4, 0.4))
    # Accept where 1·(1 - s) < 0.4, refuse where 4·s < 0.4.
    assert (found.low, found.high) == pytest.approx((0.1, 0.6), abs=0.06)
    assert (
        found.cost.value < cheapest_threshold(truth, scores, design(np.ones(20_000)), costs=Costs(1, 4, 0.4)).cost.value
    )


def test_what_was_chosen_on_the_items_it_is_measured_on_says_so():
    truth, scores, inclusion = labelled(5, 100)
    assert "same items" in cheapest_band(truth, scores, design(inclusion), costs=Costs()).note
    assert band_at(truth, scores, design(inclusion), low=0.2, high=0.8).note == ""


def test_one_class_only_leaves_recall_undefined():
    found = cheapest_threshold([False, False], [0.2, 0.8], design([1.0, 1.0]), costs=Costs())
    assert found.cost.value == 0
    assert found.recall.value is None and found.recall.note


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cheapest_threshold([], [], design([]), costs=Costs()), "No labelled items"),
        (lambda: cheapest_band([], [], design([]), costs=Costs()), "No labelled items"),
        (lambda: band_at([1], [0.5], design([1.0]), low=0.6, high=0.4), "from 0.6 to 0.4"),
        (lambda: band_at([1], [0.5], design([1.0]), low=np.nan, high=0.4), "from nan to 0.4"),
        (lambda: band_at([1], [np.nan], design([1.0]), low=0.1, high=0.4), "scores has nan in row 0"),
        (lambda: band_at([1], [0.5], design([0.0]), low=0.1, high=0.4), "inclusion_probability has 0"),
    ],
)
def test_what_cannot_be_decided_is_refused_by_name(call, says):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert says in str(refused.value)
