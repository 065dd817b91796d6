"""Class shares from scores alone: right when they moved, quiet when not, undefined when scores cannot tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.estimates.label_shift import bbse, checked_scores


def drawn(rng, shares, rows, apart=2.0):
    labels = rng.choice(len(shares), rows, p=shares)
    centres = apart * np.eye(len(shares))
    points = centres[labels] + rng.normal(size=(rows, len(shares)))
    raw = np.exp(points @ centres.T / 2)
    return raw / raw.sum(axis=1, keepdims=True), labels


class TestBbse:
    def test_finds_the_new_shares(self):
        rng = np.random.default_rng(0)
        past, labels = drawn(rng, [0.6, 0.3, 0.1], 4000)
        now, _ = drawn(rng, [0.2, 0.3, 0.5], 4000)
        found = bbse(past, labels, now)
        assert found.now == pytest.approx([0.2, 0.3, 0.5], abs=0.05)
        assert found.ratio == pytest.approx(found.now / found.before)
        assert found.drifted
        assert (found.low <= found.now).all()
        assert (found.now <= found.high).all()

    def test_is_quiet_when_shares_stay(self):
        rng = np.random.default_rng(1)
        alarms = []
        for _ in range(60):
            past, labels = drawn(rng, [0.7, 0.3], 500)
            alarms.append(bbse(past, labels, drawn(rng, [0.7, 0.3], 500)[0], resamples=20).drifted)
        assert np.mean(alarms) <= 0.12

    def test_its_interval_covers_the_truth(self):
        rng = np.random.default_rng(2)
        covered = []
        for _ in range(60):
            past, labels = drawn(rng, [0.5, 0.5], 600)
            found = bbse(past, labels, drawn(rng, [0.8, 0.2], 400)[0], resamples=100)
            covered.append(found.low[0] <= 0.8 <= found.high[0])
        assert np.mean(covered) >= 0.85

    def test_a_vector_is_the_second_class(self):
        rng = np.random.default_rng(3)
        past, labels = drawn(rng, [0.5, 0.5], 300)
        now, _ = drawn(rng, [0.5, 0.5], 300)
        assert bbse(past[:, 1], labels, now[:, 1]).now == pytest.approx(bbse(past, labels, now).now)

    @pytest.mark.parametrize(
        ("past", "labels", "now", "reason"),
        [
            (np.full((60, 2), 0.5), np.tile([0, 1], 30), np.full((60, 2), 0.5), "do not separate"),
            (np.full((60, 2), 0.5), np.zeros(60, int), np.full((60, 2), 0.5), "class 1 never occurs"),
            (np.full((9, 2), 0.5), np.tile([0, 1, 1], 3), np.full((60, 2), 0.5), "9 rows where 30"),
        ],
    )
    def test_is_undefined_and_says_why(self, past, labels, now, reason):
        found = bbse(past, labels, now)
        assert found.now is None
        assert found.p is None
        assert not found.drifted
        assert reason in found.why

    def test_refuses_settings_that_mean_nothing(self):
        scores, labels = np.full((40, 2), 0.5), np.tile([0, 1], 20)
        for settings_, says in (({"level": 0}, "level is 0"), ({"resamples": 0}, "one resample")):
            with pytest.raises(ValueError, match=says):
                bbse(scores, labels, scores, **settings_)

    def test_refuses_labels_that_are_no_columns(self):
        scores = np.full((40, 2), 0.5)
        for labels in (np.zeros(39, int), np.full(40, 2), np.full(40, -1), np.array(["a"] * 40), np.zeros(40)):
            with pytest.raises(ValueError, match="labels"):
                bbse(scores, labels, scores)

    @settings(max_examples=20)
    @given(st.integers(0, 10_000), st.integers(2, 4), st.floats(0.5, 4))
    def test_shares_are_shares(self, seed, classes, apart):
        rng = np.random.default_rng(seed)
        shares = rng.dirichlet(np.full(classes, 5.0))
        past, labels = drawn(rng, shares, 120, apart)
        found = bbse(past, labels, drawn(rng, shares[::-1], 60, apart)[0], resamples=10, seed=seed)
        if found.now is not None:
            assert found.now.sum() == pytest.approx(1)
            assert (found.now >= 0).all()
            assert 0 <= found.p <= 1


class TestCheckedScores:
    @pytest.mark.parametrize(
        ("scores", "message"),
        [
            ([[0.5, np.nan]], "has nan in row 0"),
            ([[0.5, np.inf]], "has inf in row 0"),
            ([[0.6, 0.6]], "Row 0 of scores sums to 1.2"),
            ([[1.5, -0.5]], "between 0 and 1"),
            ([[1.0]], "at least two class probabilities"),
            (np.zeros((0, 2)), "at least two class probabilities"),
        ],
    )
    def test_says_what_is_wrong(self, scores, message):
        with pytest.raises(ValueError, match=message):
            checked_scores(scores)

    @given(hnp.arrays(float, st.integers(1, 30), elements=st.floats(0, 1)))
    def test_a_vector_becomes_two_columns_that_sum_to_one(self, values):
        matrix = checked_scores(values)
        assert matrix[:, 1] == pytest.approx(values)
        assert matrix.sum(axis=1) == pytest.approx(1)
