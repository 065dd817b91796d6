"""Label errors: planted ones are found, clean labels raise no alarm, and the share of wrong ones is estimated."""

import multiprocessing

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from hypothesis import given, settings
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from analysis.metrics.labels.label_errors import suspected
from tests.analysis.metrics.labels.planted import as_rows, copied, judged, planted, tables
from validation import InvalidInput


def ap(wrong, score):
    return average_precision_score(wrong, -score)


@pytest.mark.parametrize(("kind", "words"), [("at random", "at random"), ("by confusion", "by confusion")])
def test_the_score_finds_errors_of_either_cause_at_least_as_well_as_the_better_of_cleanlabs(kind, words):
    labels, p, wrong = planted(kind)
    found = suspected(labels, p)
    best = max(
        ap(wrong, get_label_quality_scores(labels, p, method=m)) for m in ("self_confidence", "normalized_margin")
    )
    assert ap(wrong, found.score) >= best - 0.003
    assert words in found.method


def test_the_share_of_wrong_labels_is_estimated():
    for kind in ("at random", "by confusion"):
        for rate in (0.03, 0.1, 0.25):
            labels, p, wrong = planted(kind, rate=rate, sharp=5.0)
            share = suspected(labels, p).estimated_share
            assert share.low <= wrong.mean() <= share.high
            assert share.value == pytest.approx(wrong.mean(), abs=0.035)


def test_the_model_need_not_be_calibrated():
    labels, p, wrong = planted("at random")
    timid = p**0.4 / (p**0.4).sum(axis=1, keepdims=True)
    assert suspected(labels, timid).estimated_share.value == pytest.approx(wrong.mean(), abs=0.03)


def test_clean_labels_raise_no_alarm_and_fall_back_to_the_margin():
    labels, p, wrong = planted("at random", rate=0.0)
    found = suspected(labels, p)
    assert not wrong.any()
    assert "Normalised margin" in found.method
    np.testing.assert_allclose(found.score, get_label_quality_scores(labels, p, method="normalized_margin"))
    assert found.expected_precision.of(20).low < 0.05


def test_suggestions_are_the_likeliest_other_class_and_usually_the_truth():
    labels, p, wrong = planted("at random", sharp=5.0)
    truth = p.argmax(axis=1)
    found = suspected(labels, p)
    assert (found.suggested != labels).all()
    assert (found.suggested == truth)[wrong].mean() > 0.8
    assert found.flagged[wrong].mean() > 0.7
    assert wrong[found.flagged].mean() > 0.8


def test_it_runs_in_a_daemonic_worker_which_may_have_no_children():
    labels, p, _ = planted("at random", rate=0.0, n=200)

    def work(answer):
        answer.put(int(suspected(labels, p).flagged.sum()))

    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    worker = context.Process(target=work, args=(answer,), daemon=True)
    worker.start()
    assert answer.get(timeout=60) == int(suspected(labels, p).flagged.sum())
    worker.join(60)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1] * 6, as_rows([0.5, np.nan], [0.5, 0.5]), "has nan in row 0"),
        ([0, 1] * 6, as_rows([0.5, np.inf], [0.5, 0.5]), "has inf in row 0"),
        ([0, 1] * 6, as_rows([0.5, 0.3], [0.5, 0.5]), "0.2 less than 1"),
        ([0, 1] * 6, as_rows([1.2, -0.2], [0.5, 0.5]), "it must lie between 0 and 1"),
        ([0, 2] * 6, as_rows([0.5, 0.5], [0.5, 0.5]), "Label code 2 has no column"),
        ([0, -1] * 6, as_rows([0.5, 0.5], [0.5, 0.5]), "Label code -1 has no column"),
        ([1, 1] * 6, as_rows([0.5, 0.5], [0.5, 0.5]), "All labels are 1"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.5]], "2 rows are too few"),
        ([], np.zeros((0, 2)), "too few"),
        ([0.0, 1.0] * 6, as_rows([0.5, 0.5], [0.5, 0.5]), "whole-number codes"),
        ([0, 1, 0], as_rows([0.5, 0.5], [0.5, 0.5]), "need probabilities"),
        ([0, 1] * 6, np.full(12, 0.5), "need probabilities"),
    ],
)
def test_bad_input_is_refused_with_its_reason(labels, probabilities, message):
    with pytest.raises(InvalidInput, match=message):
        suspected(labels, probabilities)


def test_class_names_are_used_in_words_and_counted():
    rows = as_rows([0.5, 0.5], [0.5, 0.5])
    with pytest.raises(InvalidInput, match="All labels are spam"):
        suspected([1] * 12, rows, classes=["ham", "spam"])
    with pytest.raises(InvalidInput, match="2 columns of probabilities for 3 classes"):
        suspected([0, 1] * 6, rows, classes=["a", "b", "c"])


@pytest.mark.simulation
@settings(max_examples=60)
@given(tables)
def test_every_row_has_a_score_and_every_length_a_precision_inside_its_interval(rows):
    labels, p = judged(rows)
    found = suspected(labels, p)
    assert ((found.score >= 0) & (found.score <= 1)).all()
    assert (found.suggested != labels).all()
    expected = found.expected_precision
    assert sorted(expected.order.tolist()) == list(range(labels.size))
    assert (np.diff(found.score[expected.order]) >= 0).all()
    for values in (expected.low, expected.precision, expected.high):
        assert ((values >= 0) & (values <= 1)).all()
    assert (expected.low <= expected.precision).all()
    assert (expected.precision <= expected.high).all()
    again = suspected(labels, p)
    np.testing.assert_array_equal(found.score, again.score)


class TestCopies:
    """Ten copies of one labelled row are one row: they raise no false alarm and narrow no interval."""

    @pytest.mark.simulation
    @pytest.mark.parametrize("copies", [1, 2, 10])
    def test_clean_labels_are_taken_for_noisy_ones_no_more_often(self, copies):
        alarms = naive = 0
        for seed in range(40):
            labels, p, _, groups = copied(copies, seed=seed)
            alarms += "Posterior" in suspected(labels, p, groups=groups).method
            naive += "Posterior" in suspected(labels, p).method
        assert alarms <= 2
        assert naive >= 6 or copies < 10

    @pytest.mark.parametrize("copies", [2, 10])
    def test_the_interval_is_that_of_the_distinct_rows(self, copies):
        once = suspected(*copied(1, seed=1, rate=0.1)[:2]).estimated_share
        labels, p, wrong, groups = copied(copies, seed=1, rate=0.1)
        share = suspected(labels, p, groups=groups).estimated_share
        assert (share.value, share.low, share.high) == pytest.approx((once.value, once.low, once.high), abs=1e-6)
        assert share.low <= wrong.mean() <= share.high


def noisy(seed, *, strength, prevalence, noise, n=600):
    """Two classes by a logistic law, some labels flipped, and out-of-fold probabilities of a logistic regression."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    score = strength * x @ np.array([1.0, 0.5, 0.0])
    level = brentq(lambda at: expit(score + at).mean() - prevalence, -60, 60)
    truth = (rng.random(n) < expit(score + level)).astype(int)
    given = np.where(rng.random(n) < noise, 1 - truth, truth)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return given, cross_val_predict(LogisticRegression(), x, given, cv=folds, method="predict_proba"), given != truth


def test_inputs_that_tell_nothing_accuse_no_label():
    found = [
        suspected(*noisy(seed, strength=0.0, prevalence=prevalence, noise=0.1)[:2])
        for seed in range(12)
        for prevalence in (0.05, 0.5)
    ]
    silent = [one for one in found if not one.signal]
    assert len(silent) >= len(found) - 1  # the test's level is 1 %
    for one in silent:
        assert not one.flagged.any() and "tell nothing" in one.method
        assert (one.estimated_share.value, one.estimated_share.low, one.estimated_share.high) == (None, 0, 1)


@pytest.mark.simulation
@pytest.mark.parametrize("strength", [0.0, 1.0, 6.0])
@pytest.mark.parametrize("prevalence", [0.02, 0.5])
def test_the_share_wrong_lies_in_its_interval_from_no_signal_to_a_strong_one(strength, prevalence):
    held, flagged, right = [], 0, 0
    for noise in (0.0, 0.05, 0.2):
        for seed in range(8):
            given, p, wrong = noisy(seed, strength=strength, prevalence=prevalence, noise=noise)
            found = suspected(given, p)
            held.append(found.estimated_share.low <= wrong.mean() <= found.estimated_share.high)
            flagged, right = flagged + found.flagged.sum(), right + (found.flagged & ~wrong).sum()
    assert np.mean(held) >= 0.93
    assert right <= flagged / 2  # more probably wrong than right


def test_flagged_rows_are_the_head_of_the_list_that_the_precision_is_of():
    for rate in (0.0, 0.01, 0.2):
        labels, p, _ = planted("at random", rate=rate, sharp=5.0)
        found = suspected(labels, p)
        flagged = int(found.flagged.sum())
        assert found.flagged[found.expected_precision.order[:flagged]].all()
        if flagged:
            assert found.expected_precision.of(flagged).value > 0.5
            assert (found.expected_precision.wrong[:flagged] > 0.5).all()
