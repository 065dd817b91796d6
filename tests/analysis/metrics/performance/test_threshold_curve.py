"""The threshold curve: each point is what one would count by hand at that threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from analysis.metrics.core.design import design
from analysis.metrics.core.weighted import mean, proportion
from analysis.metrics.performance.threshold_curve import Costs, threshold_curve
from validation import InvalidInput


def labelled(seed, n, places=2):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).round(places)
    return rng.random(n) < scores, scores, rng.choice([1.0, 0.4, 0.05], n)


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 60), st.sampled_from([None, 100]))
@settings(max_examples=40)
def test_each_point_is_the_weighted_share_at_its_threshold_with_the_same_limits(seed, n, unseen):
    truth, scores, inclusion = labelled(seed, n, 1)
    inclusion[0] = 0.05
    population = None if unseen is None else n + unseen
    curve = threshold_curve(truth, scores, design(inclusion, population=population))
    for i, threshold in enumerate(curve.thresholds):
        flagged = scores >= threshold
        for band, what, among in (
            (curve.precision, truth, flagged),
            (curve.recall, flagged, truth),
            (curve.false_positive_rate, flagged, ~truth),
        ):
            by_hand = proportion(what, inclusion, domain=among, population=population)
            if by_hand.value is None:
                assert np.isnan([band.value[i], band.low[i], band.high[i]]).all()
            else:
                here = (band.value[i], band.low[i], band.high[i])
                assert here == pytest.approx((by_hand.value, by_hand.low, by_hand.high), abs=2e-4)
        assert curve.flagged[i] == flagged.sum() and curve.caught[i] == (flagged & truth).sum()


@given(seeds, st.integers(5, 60))
@settings(max_examples=30)
def test_the_cost_is_the_mean_price_of_the_mistakes(seed, n):
    truth, scores, inclusion = labelled(seed, n, 1)
    curve = threshold_curve(truth, scores, design(inclusion), costs=Costs(2.0, 7.0))
    for i, threshold in enumerate(curve.thresholds):
        flagged = scores >= threshold
        price = 2.0 * (flagged & ~truth) + 7.0 * (~flagged & truth)
        assert curve.cost.value[i] == pytest.approx(mean(price, inclusion).value)
        assert curve.cost.low[i] <= curve.cost.value[i] <= curve.cost.high[i]


@given(seeds, st.integers(10, 200))
@settings(max_examples=30)
def test_the_areas_are_those_of_scikit_learn(seed, n):
    truth, scores, inclusion = labelled(seed, n, 1)
    curve = threshold_curve(truth, scores, design(inclusion))
    if curve.roc_auc.value is not None:
        roc = metrics.roc_auc_score(truth, scores, sample_weight=1 / inclusion)
        assert curve.roc_auc.value == pytest.approx(roc)
        average = metrics.average_precision_score(truth, scores, sample_weight=1 / inclusion)
        assert curve.pr_auc.value == pytest.approx(average)


@given(seeds, st.integers(2, 500), st.integers(2, 50))
@settings(max_examples=30)
def test_a_thinned_curve_keeps_its_ends_and_only_points_of_the_whole(seed, n, at_most):
    truth, scores, inclusion = labelled(seed, n)
    whole = threshold_curve(truth, scores, design(inclusion))
    thin = threshold_curve(truth, scores, design(inclusion), at_most=at_most)
    assert 2 <= thin.thresholds.size <= at_most
    assert (thin.thresholds[0], thin.thresholds[-1]) == (whole.thresholds[0], whole.thresholds[-1])
    places = np.searchsorted(-whole.thresholds, -thin.thresholds)
    assert np.array_equal(whole.recall.value[places], thin.recall.value, equal_nan=True)
    assert np.array_equal(whole.precision.high[places], thin.precision.high, equal_nan=True)


def test_the_curve_runs_from_nothing_flagged_to_everything():
    truth, scores, inclusion = labelled(2, 300)
    curve = threshold_curve(truth, scores, design(inclusion))
    assert (np.diff(curve.thresholds) < 0).all() and (np.diff(curve.recall.value) >= 0).all()
    assert curve.flagged[0] == 0 and curve.flagged[-1] == 300
    assert curve.recall.value[-1] == curve.false_positive_rate.value[-1] == pytest.approx(1)
    assert curve.true_positive[-1] + curve.false_positive[-1] == pytest.approx((1 / inclusion).sum())


def test_pointwise_limits_hold_the_truth_under_active_sampling():
    rng = np.random.default_rng(8)
    held = []
    for _ in range(250):
        scores = rng.random(3000)
        truth = rng.random(3000) < scores**2
        active = np.abs(scores - 0.5) < 0.04
        rows = np.flatnonzero(active | (rng.random(3000) < 0.1))
        curve = threshold_curve(truth[rows], scores[rows], design(np.where(active[rows], 1.0, 0.1)))
        at = [np.flatnonzero(curve.thresholds >= cut)[-1] for cut in (0.3, 0.7)]
        for i, cut in zip(at, (0.3, 0.7), strict=True):
            recall, precision = 1 - cut**3, (1 - cut**3) / 3 / (1 - cut)
            held.append(curve.recall.low[i] <= recall <= curve.recall.high[i])
            held.append(curve.precision.low[i] <= precision <= curve.precision.high[i])
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_with_one_class_only_what_needs_the_other_is_not_a_number_and_the_note_says_so():
    curve = threshold_curve([True, True], [0.2, 0.9], design([1.0, 0.5]))
    assert np.isnan(curve.false_positive_rate.value).all()
    assert curve.recall.value[-1] == 1
    assert curve.roc_auc.value is None
    assert curve.note == "All 2 labelled items are of one class."


def test_a_constant_score_gives_two_points():
    curve = threshold_curve([True, False, True], [0.5, 0.5, 0.5], design([1.0, 1.0, 1.0]))
    assert curve.thresholds.size == 2
    assert curve.roc_auc.value == 0.5


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: threshold_curve([], [], design([])), "No labelled items"),
        (lambda: threshold_curve([1], [np.nan], design([1.0])), "scores has nan in row 0"),
        (lambda: threshold_curve([1, 0], [0.5], design([1.0, 1.0])), "scores has 1 rows where 2 are needed"),
        (lambda: threshold_curve([2], [0.5], design([1.0])), "truth has 2 in row 0"),
        (lambda: threshold_curve([1], [0.5], design([0.0])), "inclusion_probability has 0 in row 0"),
        (lambda: threshold_curve([1], [0.5], design([1.0]), at_most=1), "at_most is 1"),
        (lambda: Costs(false_positive=-1), "The cost false_positive is -1"),
        (lambda: Costs(review=np.nan), "The cost review is nan"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(call, says):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert says in str(refused.value)
