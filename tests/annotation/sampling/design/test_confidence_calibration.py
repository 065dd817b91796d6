"""Calibration of the score of the most probable class from past labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from annotation.sampling.design.confidence_calibration import AS_GIVEN, ConfidenceCalibration, fit_calibration
from validation import InvalidInput


def traffic(n: int, *, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    confidence = 0.5 + 0.5 * rng.beta(2, 1, n)
    return rng.random(n) < expit(intercept + slope * logit(confidence)), confidence


def test_many_labels_show_how_bold_the_scores_are():
    right, confidence = traffic(20_000, slope=0.5, intercept=-0.3)
    found = fit_calibration(right, confidence, np.ones(20_000))
    assert (found.slope, found.intercept) == (pytest.approx(0.5, abs=0.05), pytest.approx(-0.3, abs=0.08))


def test_few_labels_move_it_little_and_none_leave_the_score_as_it_is():
    found = fit_calibration([True] * 3, [0.6, 0.7, 0.8], np.ones(3))
    assert abs(found.slope - 1) < 0.1
    assert found.probability([0.7])[0] == pytest.approx(0.75, abs=0.06)
    assert fit_calibration([], [], []) == AS_GIVEN
    np.testing.assert_allclose(AS_GIVEN.probability([0.5, 0.9]), [0.5, 0.9])


def test_items_that_were_drawn_rarely_count_for_those_that_were_not():
    right, confidence = traffic(40_000, slope=0.6, intercept=0.4)
    chance = np.where(confidence > 0.8, 0.05, 0.5)
    drawn = np.random.default_rng(2).random(40_000) < chance
    found = fit_calibration(right[drawn], confidence[drawn], chance[drawn])
    assert (found.slope, found.intercept) == (pytest.approx(0.6, abs=0.15), pytest.approx(0.4, abs=0.2))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(1e-6, 1)), min_size=1, max_size=60))
def test_whatever_was_labelled_gives_probabilities(rows):
    right, confidence, chance = (np.array(column) for column in zip(*rows, strict=True))
    p = fit_calibration(right, confidence, chance).probability(np.linspace(0, 1, 11))
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) >= 0).all()


@pytest.mark.parametrize(
    "given", [{"confidence": [1.2]}, {"right": [0.5]}, {"inclusion_probability": [0.0]}, {"confidence": [0.5, 0.5]}]
)
def test_arrays_that_do_not_fit_are_refused(given):
    arrays = {"right": [True], "confidence": [0.5], "inclusion_probability": [1.0]} | given
    with pytest.raises(InvalidInput):
        fit_calibration(**arrays)


@pytest.mark.parametrize(("slope", "intercept"), [(-0.1, 0.0), (1.0, float("nan")), (float("inf"), 0.0)])
def test_a_calibration_that_turns_scores_around_or_is_no_number_is_refused(slope, intercept):
    with pytest.raises(InvalidInput):
        ConfidenceCalibration(slope, intercept)
