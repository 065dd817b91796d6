"""What the labels of a window probably are: calibration, weights like the window, and what inputs add."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit

from analysis.metrics.estimates import class_probabilities as truth


def hidden(rng, rows, moved=0.0):
    """Scores know x, the label also depends on z."""
    x, z = rng.normal(size=rows), rng.normal(moved, 1, rows)
    return expit(x), (rng.random(rows) < expit(x + 2 * z)).astype(int), np.column_stack([x, z])


class TestReference:
    def test_inputs_that_tell_more_than_the_score_get_a_share(self):
        scores, labels, features = hidden(np.random.default_rng(0), 2000)
        assert truth.reference(scores, labels, features=features).refiner.share > 0

    def test_a_column_that_is_always_missing_changes_nothing(self):
        scores, labels, features = hidden(np.random.default_rng(0), 1500)
        gone = np.column_stack([features, np.full(1500, np.nan)])
        plain, more = (truth.reference(scores, labels, features=columns) for columns in (features, gone))
        assert more.held_out == pytest.approx(plain.held_out)

    def test_inputs_that_tell_nothing_get_none(self):
        rng = np.random.default_rng(1)
        x = rng.normal(size=2000)
        labels = (rng.random(2000) < expit(x)).astype(int)
        assert truth.reference(expit(x), labels, features=rng.normal(size=(2000, 2))).refiner is None
        assert truth.reference(expit(x), labels).refiner is None

    @pytest.mark.parametrize(
        ("scores", "labels", "more", "message"),
        [
            (np.full(20, 0.5), np.tile([0, 1], 10), {}, "20 rows where 30"),
            (np.full(40, 0.5), np.zeros(40, int), {}, "one class only"),
            (np.full(40, np.nan), np.tile([0, 1], 20), {}, "has nan in row 0"),
            (np.full((40, 2), 0.7), np.tile([0, 1], 20), {}, "sums to 1.4"),
            (np.full(40, 0.5), np.tile([0, 2], 20), {}, "outside the 2 classes"),
            (np.full(40, 0.5), np.tile([0.0, 1.0], 20), {}, "one column number per row"),
            (np.full(40, 0.5), np.tile([0, 1], 10), {}, "one column number per row"),
            (np.full(40, 0.5), np.tile([0, 1], 20), {"features": np.ones((39, 2))}, "features"),
            (np.full(40, 0.5), np.tile([0, 1], 20), {"features": np.full((40, 1), np.inf)}, "finite"),
            (np.full(40, 0.5), np.tile([0, 1], 20), {"predicted": np.full(40, 5)}, "predicted"),
        ],
    )
    def test_bad_input_is_a_clear_error(self, scores, labels, more, message):
        with pytest.raises(ValueError, match=message):
            truth.reference(scores, labels, **more)


class TestCalibrated:
    def test_corrects_an_overconfident_score(self):
        rng = np.random.default_rng(0)
        real = rng.random(5000)
        labels = (rng.random(5000) < real).astype(int)
        bold = expit(3 * np.log(real / (1 - real)))
        scores = np.column_stack([1 - bold, bold])
        found = truth.calibrated(scores, labels, scores, np.ones(5000))
        assert np.abs(found[:, 1] - real).mean() < 0.05
        assert np.abs(bold - real).mean() > 0.1

    def test_weights_choose_whose_calibration_counts(self):
        scores = np.full((100, 2), 0.5)
        labels = np.repeat([0, 1], 50)
        found = truth.calibrated(scores, labels, scores[:1], np.repeat([1.0, 3.0], 50))
        assert found[0, 1] == pytest.approx(0.75)

    @settings(max_examples=30)
    @given(st.integers(0, 10_000), st.integers(2, 5))
    def test_rows_are_probabilities(self, seed, classes):
        rng = np.random.default_rng(seed)
        scores, now = rng.dirichlet(np.ones(classes), 60), rng.dirichlet(np.ones(classes), 20)
        found = truth.calibrated(scores, rng.integers(0, classes, 60), now, rng.random(60) + 0.01)
        assert found.sum(axis=1) == pytest.approx(1)
        assert (found >= 0).all()


class TestDensityRatio:
    def test_is_one_everywhere_when_nothing_moved(self):
        rng = np.random.default_rng(0)
        ratio = truth.density_ratio(rng.normal(size=(600, 2)), rng.normal(size=(400, 2)))
        assert ratio == pytest.approx(1, abs=0.2)

    def test_follows_the_true_ratio(self):
        rng = np.random.default_rng(1)
        before = rng.normal(size=(4000, 1))
        ratio = truth.density_ratio(before, rng.normal(1, 1, (2000, 1)))
        assert np.average(before[:, 0], weights=ratio) == pytest.approx(1, abs=0.2)
        assert np.corrcoef(np.log(ratio), before[:, 0])[0, 1] > 0.9

    def test_rows_left_out_of_the_fit_are_weighted_too(self, monkeypatch):
        monkeypatch.setattr(truth, "DOMAIN_ROWS", 500)
        rng = np.random.default_rng(2)
        before = rng.normal(size=(2000, 1))
        ratio = truth.density_ratio(before, rng.normal(1, 1, (500, 1)))
        assert (ratio > 0).all()
        assert np.average(before[:, 0], weights=ratio) == pytest.approx(1, abs=0.3)

    @settings(max_examples=6, deadline=None)
    @given(st.integers(0, 10_000), st.floats(-4, 4))
    def test_weights_are_positive_bounded_and_average_one(self, seed, moved):
        rng = np.random.default_rng(seed)
        ratio = truth.density_ratio(rng.normal(size=(150, 2)), rng.normal(moved, 1, (100, 2)), seed=seed)
        assert (ratio > 0).all()
        assert np.isfinite(ratio).all()
        assert ratio.mean() == pytest.approx(1)


def test_truth_in_a_window_uses_what_inputs_tell():
    rng = np.random.default_rng(3)
    scores, labels, features = hidden(rng, 3000)
    past = truth.reference(scores, labels, features=features)
    score, seen, columns = hidden(rng, 1000, moved=1.5)
    now = np.column_stack([1 - score, score])
    ours = truth.truth_in_window(past, now, columns, np.ones(3000))[:, 1].mean()
    plain = truth.calibrated(past.scores, past.labels, now, np.ones(3000))[:, 1].mean()
    assert abs(ours - seen.mean()) < abs(plain - seen.mean()) / 2


@given(st.lists(st.integers(-2, 4), min_size=1, max_size=20), st.integers(2, 4))
def test_class_numbers_are_columns_of_the_scores(values, classes):
    scores = np.full((len(values), classes), 1 / classes)
    if all(0 <= value < classes for value in values):
        assert truth.class_numbers(values, scores, "labels").tolist() == values
    else:
        with pytest.raises(ValueError, match=f"labels: outside the {classes} classes"):
            truth.class_numbers(values, scores, "labels")


@given(hnp.arrays(float, st.tuples(st.integers(1, 9), st.integers(0, 3)), elements=st.floats()))
def test_features_are_finite_or_missing(matrix):
    if np.isinf(matrix).any():
        with pytest.raises(ValueError, match="finite numbers"):
            truth.checked_features(matrix, len(matrix))
    else:
        assert np.array_equal(truth.checked_features(matrix, len(matrix)), matrix, equal_nan=True)
    with pytest.raises(ValueError, match="one row per row"):
        truth.checked_features(matrix, len(matrix) + 1)


@given(hnp.arrays(float, st.integers(1, 40), elements=st.floats(0.01, 100)))
def test_rows_are_drawn_in_the_mix_of_the_weights(weights):
    drawn = np.bincount(truth.alike(weights), minlength=weights.size)
    assert drawn.sum() == weights.size
    assert (np.abs(drawn - weights / weights.mean()) < 1 + 1e-6).all()


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([200, 1200]))
def test_the_truth_in_a_window_is_made_of_probabilities(seed, rows):
    rng = np.random.default_rng(seed)
    scores, labels, features = hidden(rng, rows)
    past = truth.reference(scores, labels, features=features)
    assert (past.held_out is None) == (rows < truth.REFINE_FROM)
    found = truth.truth_in_window(past, past.scores[:50], features[:50], rng.random(rows) + 0.01)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found >= 0).all()


def test_weights_of_zero_are_refused():
    scores, labels = np.full((40, 2), 0.5), np.tile([0, 1], 20)
    with pytest.raises(ValueError, match="not all zero"):
        truth.calibrated(scores, labels, scores, np.zeros(40))
