"""How often a version is right, from the scores of its answers: simulated traffic, a designed sample of it labelled."""

import numpy as np
import pytest
from scipy.special import expit, logit

from analysis.metrics.core.design import design
from analysis.metrics.estimates.answer_accuracy import accuracy_without_labels
from validation import InvalidInput


def traffic(rng, n, *, hard=0.0, overconfident=1.0):
    """The score of each of n answers, and whether it is right as often as its calibrated score says."""
    chance = expit(np.abs(rng.normal(size=n) * 2 - hard) * 0.9)
    return expit(logit(chance) * overconfident), rng.random(n) < chance


def labelled(rng, confidence, right):
    """A designed sample of past answers: the least sure for certain, a tenth of the others."""
    least = confidence < np.quantile(confidence, 0.05)
    rows = np.flatnonzero(least | (rng.random(confidence.size) < 0.1))
    return confidence[rows], right[rows], design(np.where(least[rows], 1.0, 0.1))


def intervals(times, *, past, window, seed, shown=20_000):
    """Whether each interval held what all labels of the window show, the errors, and those of the mean score."""
    held, errors, naive = [], [], []
    for time in range(times):
        rng = np.random.default_rng([seed, time])
        then, known, drawn = labelled(rng, *traffic(rng, 2_500, **past))
        confidence, right = traffic(rng, 5_000, **window)
        found = accuracy_without_labels(then, known, drawn, confidence[:shown])
        held.append(found.low <= right.mean() <= found.high)
        errors.append(found.value - right.mean())
        naive.append(confidence.mean() - right.mean())
    return np.mean(held), np.mean(errors), np.mean(naive)


def test_under_calibrated_scores_the_interval_holds_the_accuracy_of_the_window():
    held, error, _ = intervals(300, past={}, window={}, seed=1)
    assert held >= 0.92 and abs(error) < 0.004


def test_so_it_does_when_the_window_is_harder_and_only_a_sample_of_its_scores_is_read():
    held, error, _ = intervals(300, past={}, window={"hard": 1.5}, seed=2, shown=1_000)
    assert held >= 0.91 and abs(error) < 0.01


def test_scores_that_promise_too_much_are_calibrated_by_the_labelled_answers():
    held, error, naive = intervals(200, past={"overconfident": 2.5}, window={"overconfident": 2.5}, seed=3)
    assert naive > 0.05
    assert held >= 0.92 and abs(error) < 0.005


@pytest.mark.parametrize("chance", [0.98, 0.995])
def test_where_the_version_is_nearly_always_right_the_interval_allows_for_mistakes_that_no_label_met(chance):
    """Seen: "100.0 % [100.0 %, 100.0 %] of 20,000 answers are right", calibrated on 140 labels with one mistake."""
    held, size, doubtful = [], 3_000, 60
    for time in range(150):
        rng = np.random.default_rng([7, time])
        confidence = np.where(np.arange(size) < doubtful, rng.uniform(0.5, 0.6, size), rng.beta(20, 1, size))
        right = rng.random(size) < np.where(np.arange(size) < doubtful, 0.6, chance)
        rows = np.flatnonzero((np.arange(size) < doubtful // 2) | (rng.random(size) < 0.02))
        drawn = design(np.where(rows < doubtful // 2, 1.0, 0.02))
        found = accuracy_without_labels(confidence[rows], right[rows], drawn, confidence)
        held.append(found.value is None or found.low <= right.mean() <= found.high)
    assert np.mean(held) >= 0.93


def test_it_does_not_see_that_the_same_scores_are_wrong_more_often():
    rng = np.random.default_rng(4)
    then, known, drawn = labelled(rng, *traffic(rng, 4_000))
    confidence, right = traffic(rng, 5_000)
    right &= rng.random(5_000) < 0.7  # concept drift
    found = accuracy_without_labels(then, known, drawn, confidence)
    assert found.low > right.mean() + 0.1


def test_the_weights_of_the_design_count():
    """Labelled answers of one score: those asked for certain were wrong, those drawn one in ten were right."""
    confidence, right = np.full(80, 0.8), np.arange(80) < 40
    uneven = design(np.where(right, 0.1, 1.0))
    found = accuracy_without_labels(confidence, right, uneven, np.full(200, 0.8))
    assert found.value == pytest.approx(400 / 440)
    assert found.n_effective == pytest.approx(uneven.effective_n)


@pytest.mark.parametrize(
    ("rows", "wrong", "window", "why"),
    [
        (29, 5, 100, "29 labelled answers where 30 are needed"),
        (40, 0, 100, "all 40 labelled answers are right, or all are wrong"),
        (40, 40, 100, "all 40 labelled answers are right, or all are wrong"),
        (40, 5, 29, "29 answers with scores in the window where 30 are needed"),
        (0, 0, 0, "0 labelled answers"),
    ],
)
def test_what_cannot_be_known_is_undefined_and_says_why(rows, wrong, window, why):
    right = np.arange(rows) >= wrong
    found = accuracy_without_labels(np.full(rows, 0.9), right, design(np.ones(rows)), np.full(window, 0.9))
    assert (found.value, found.low, found.high, found.error) == (None, None, None, None)
    assert why in found.why and found.n == window


def test_what_is_no_probability_is_refused():
    with pytest.raises(InvalidInput, match=r"confidence has 1\.5"):
        accuracy_without_labels([1.5], [True], design([1.0]), [0.5])
    with pytest.raises(InvalidInput, match="confidence_now has nan"):
        accuracy_without_labels([0.5], [True], design([1.0]), [np.nan])
