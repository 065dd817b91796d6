"""The risk–coverage curve: the mean loss at its end, the area under it held by its interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from analysis.metrics.core.design import design
from analysis.metrics.performance.risk_coverage import risk_coverage
from tests.analysis.metrics.performance.asked import asked
from validation import InvalidInput

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(2, 80))
@settings(max_examples=50)
def test_the_risk_at_full_coverage_is_the_mean_loss_and_the_area_is_that_under_the_curve(seed, n):
    rng = np.random.default_rng(seed)
    loss, sure, inclusion = rng.random(n), rng.random(n).round(1), rng.choice([1.0, 0.1], n)
    found = risk_coverage(loss, sure, design(inclusion))
    assert found.all.value == found.risk.value[-1] == pytest.approx(np.average(loss, weights=1 / inclusion))
    assert found.coverage[-1] == pytest.approx(1) and (np.diff(found.coverage) > 0).all()
    assert found.aurc.value == pytest.approx(np.diff(found.coverage, prepend=0) @ found.risk.value)
    assert (np.diff(found.confidence) < 0).all()


def test_the_area_under_risk_and_coverage_is_held_under_active_sampling():
    rng = np.random.default_rng(5)

    def parts(rows):
        truth, predicted, drawn = rows
        return (truth != (predicted > 0.5)).astype(float), np.abs(predicted - 0.5), drawn

    loss, sure, _ = parts((*asked_all(rng, 400_000), None))
    true = risk_coverage(loss, sure, design(np.ones(loss.size))).aurc.value
    found = [risk_coverage(*parts(asked(rng))).aurc for _ in range(200)]
    assert np.mean([a.low <= true <= a.high for a in found]) == pytest.approx(0.95, abs=0.045)


def asked_all(rng, size):
    true_probability = expit(rng.normal(size=size) * 2 - 0.5)
    return rng.random(size) < true_probability, true_probability


def test_a_thinned_risk_curve_keeps_its_end():
    rng = np.random.default_rng(6)
    found = risk_coverage(rng.random(500), rng.random(500), design(np.ones(500)), at_most=21)
    assert found.coverage.size <= 21 and found.coverage[-1] == 1


def test_confidence_that_says_nothing_gives_one_point():
    found = risk_coverage([0.0, 1.0], [0.5, 0.5], design([1.0, 1.0]))
    assert found.risk.value.tolist() == [0.5] and found.aurc.value == 0.5


@pytest.mark.parametrize(
    ("losses", "confidence", "says"), [([], [], "No labelled items"), ([np.inf], [0.5], "losses has inf in row 0")]
)
def test_what_has_no_curve_is_refused_by_name(losses, confidence, says):
    with pytest.raises(InvalidInput, match=says):
        risk_coverage(losses, confidence, design(np.ones(len(losses))))
