"""Calibration: silent about probabilities that mean what they say, loud about those that do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from analysis.metrics.core.design import design
from analysis.metrics.performance.calibration import calibration, spiegelhalter
from tests.analysis.metrics.performance.asked import asked
from validation import InvalidInput

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 80), st.integers(1, 12), st.sampled_from(["quantile", "uniform"]))
@settings(max_examples=50)
def test_the_bins_hold_every_label_once_in_rising_order(seed, n, bins, spacing):
    rng = np.random.default_rng(seed)
    predicted, truth, inclusion = rng.random(n).round(1), rng.random(n) < 0.5, rng.choice([1.0, 0.1], n)
    found = calibration(truth, predicted, design(inclusion), bins=bins, spacing=spacing)
    assert sum(b.n for b in found.bins) == n and len(found.bins) <= bins
    assert sum(b.share for b in found.bins) == pytest.approx(1)
    assert all(b.low - 1e-9 <= b.predicted <= b.high + 1e-9 for b in found.bins)
    assert all(one.high < other.low for one, other in zip(found.bins, found.bins[1:], strict=False))
    assert 0 <= found.ece.low <= found.ece.value <= found.ece.high
    assert found.ece.value <= found.ece_plain + 1e-9


@given(seeds, st.integers(1, 80))
@settings(max_examples=50)
def test_the_brier_score_is_the_sum_of_its_parts(seed, n):
    rng = np.random.default_rng(seed)
    predicted, truth, inclusion = rng.random(n).round(1), rng.random(n) < 0.5, rng.choice([1.0, 0.1], n)
    parts = calibration(truth, predicted, design(inclusion)).brier
    assert parts.brier == pytest.approx(np.average((predicted - truth) ** 2, weights=1 / inclusion))
    assert parts.brier == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty)
    assert parts.miscalibration >= -1e-9 and parts.discrimination >= -1e-9


@pytest.mark.simulation
def test_calibrated_probabilities_pass_and_overconfident_ones_do_not():
    rng = np.random.default_rng(1)
    calibrated = [calibration(*asked(rng)) for _ in range(200)]
    overconfident = [calibration(*asked(rng, overconfidence=2.0)) for _ in range(30)]
    assert np.mean([c.test.p < 0.05 for c in calibrated]) < 0.1
    assert np.mean([c.test.p < 0.05 for c in overconfident]) > 0.95
    assert np.mean([c.ece.low == 0 for c in calibrated]) > 0.9
    assert np.mean([c.ece.low > 0 for c in overconfident]) > 0.75


def test_the_correction_takes_out_what_noise_alone_adds_to_the_error():
    rng = np.random.default_rng(2)
    found = [calibration(*asked(rng)) for _ in range(100)]
    plain, corrected = np.mean([c.ece_plain for c in found]), np.mean([c.ece.value for c in found])
    assert plain > 0.03
    assert corrected < 0.5 * plain


def test_the_corrected_error_is_near_the_true_one_where_there_is_one():
    rng = np.random.default_rng(3)
    true_probability = expit(rng.normal(size=400_000) * 2 - 0.5)
    true = np.abs(expit(2 * logit(true_probability)) - true_probability).mean()
    found = [calibration(*asked(rng, 8000, 2.0)).ece for _ in range(60)]
    assert np.mean([e.value for e in found]) == pytest.approx(true, abs=0.01)
    assert np.mean([e.low <= true <= e.high for e in found]) > 0.85


def test_bins_that_are_off_are_named():
    rng = np.random.default_rng(4)
    predicted = rng.random(5000)
    truth = rng.random(5000) < np.where(predicted > 0.9, 0.5, predicted)
    bins = calibration(truth, predicted, design(np.ones(5000)), spacing="uniform").bins
    assert bins[-1].off and bins[-1].observed.value == pytest.approx(0.5, abs=0.1)
    assert sum(b.off for b in bins) <= 3


def test_nothing_labelled_is_undefined_and_says_so():
    found = calibration([], [], design([]))
    assert found.bins == () and found.ece.value is None and found.ece_plain is None
    assert found.test.p is None and found.brier.brier is None
    assert found.ece.note == found.test.note == found.brier.note == "No labelled items."


def test_probabilities_that_leave_nothing_to_test_say_so():
    assert spiegelhalter([True, False], [1.0, 0.5], design([1.0, 1.0])).note == (
        "Every probability is 0, 0.5 or 1: nothing to test."
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: calibration([1], [1.2], design([1.0])), "probability has 1.2 in row 0"),
        (lambda: calibration([1], [np.nan], design([1.0])), "probability has nan in row 0"),
        (lambda: calibration([1], [0.5], design([0.0])), "inclusion_probability has 0 in row 0"),
        (lambda: calibration([1], [0.5], design([1.0]), bins=0), "bins is 0"),
        (lambda: calibration([1, 0], [0.5], design([1.0, 1.0])), "probability has 1 rows where 2"),
        (lambda: spiegelhalter([3], [0.5], design([1.0])), "truth has 3 in row 0"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(call, says):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert says in str(refused.value)


@given(seeds, st.integers(1, 80))
@settings(max_examples=50)
def test_the_test_turns_with_its_sides_and_says_when_there_is_nothing_to_test(seed, n):
    rng = np.random.default_rng(seed)
    predicted, truth, inclusion = rng.random(n).round(1), rng.random(n) < 0.5, rng.choice([1.0, 0.1], n)
    found, turned = (
        spiegelhalter(truth, predicted, design(inclusion)),
        spiegelhalter(~truth, 1 - predicted, design(inclusion)),
    )
    if found.z is None:
        assert found.p is None and found.note
    else:
        assert 0 <= found.p <= 1
        assert (found.z, found.p) == pytest.approx((turned.z, turned.p), abs=1e-9)
        assert spiegelhalter(truth, predicted, design(inclusion * 0.5)).p == pytest.approx(found.p)
