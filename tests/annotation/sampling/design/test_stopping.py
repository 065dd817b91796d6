"""The stop hint: its three views, what it refuses, and that it advises stopping only when they agree."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.sampling import forecast_gain, stop_hint, successive_agreement

FLAT = (np.arange(100, 1100, 100), 0.9 - 2.0 / np.arange(100, 1100, 100) ** 1.5)
STEEP = (np.arange(20, 220, 20), 0.9 - 2.0 / np.sqrt(np.arange(20, 220, 20)))
SAME = [np.arange(200) % 3] * 4


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=2, max_size=6))
def test_agreement_lies_between_minus_one_and_one_and_is_one_for_equals(models):
    assert -1 - 1e-9 <= successive_agreement(models) <= 1 + 1e-9
    assert successive_agreement([models[0], models[0]]) == pytest.approx(1.0)


def test_only_the_last_four_models_count():
    wild = [np.zeros(9), np.arange(9)]
    assert successive_agreement([*wild, *[np.arange(9) % 3] * 4]) == 1.0


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 1)), min_size=4, max_size=12, unique_by=lambda one: one[0]),
    st.integers(1, 1000),
)
def test_a_forecast_never_promises_less_than_nothing_and_holds_its_interval_in_order(points, more):
    labels, scores = zip(*sorted(points), strict=True)
    gain = forecast_gain(labels, scores, next_labels=more)
    assert gain is not None
    assert gain.labels == more
    assert gain.expected >= 0
    assert 0 <= gain.low <= gain.high


def test_a_forecast_finds_the_gain_of_a_known_curve():
    gain = forecast_gain(*STEEP, next_labels=100)
    truth = 2.0 / np.sqrt(200) - 2.0 / np.sqrt(300)
    assert gain is not None
    assert gain.expected == pytest.approx(truth, rel=0.2)


def test_a_forecast_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(0), []
    labels = np.arange(50, 650, 50)
    for _ in range(150):
        decay, b = rng.uniform(0.4, 1.2), rng.uniform(0.5, 3)
        scores = 0.9 - b * labels**-decay + rng.normal(0, 0.004, len(labels))
        gain = forecast_gain(labels, scores, next_labels=100)
        assert gain is not None
        held.append(gain.low <= b * (600**-decay - 700**-decay) <= gain.high)
    assert np.mean(held) > 0.8


def test_stopping_is_advised_when_all_views_agree():
    hint = stop_hint(predictions=SAME, curve=FLAT, audit_interval=(0.88, 0.92))
    assert hint.stop
    assert hint.words.startswith("Stop asking: successive models agree (kappa 1.000)")
    assert hint.width == pytest.approx(0.04)


@pytest.mark.parametrize(
    "change",
    [
        {"predictions": [np.arange(200) % 3, np.arange(200) % 2]},
        {"curve": STEEP},
        {"audit_interval": (0.7, 0.95)},
        {"predictions": ()},
        {"curve": None},
    ],
)
def test_one_view_that_differs_or_is_missing_advises_to_keep_asking(change):
    views = {"predictions": SAME, "curve": FLAT, "audit_interval": (0.88, 0.92), **change}
    hint = stop_hint(**views)
    assert not hint.stop
    assert hint.words.startswith("Keep asking")


def test_nothing_known_says_so_and_the_hint_cannot_be_changed():
    hint = stop_hint()
    assert (hint.stop, hint.kappa, hint.width, hint.gain) == (False, None, None, None)
    assert "Too little" in hint.words
    with pytest.raises(dataclasses.FrozenInstanceError):
        hint.stop = True  # type: ignore[misc]


def test_three_points_are_too_few_for_a_curve():
    assert forecast_gain([1, 2, 3], [0.1, 0.2, 0.3], next_labels=5) is None


@pytest.mark.parametrize(
    "views",
    [
        {"predictions": [np.zeros(3), np.zeros(4)]},
        {"predictions": [np.zeros(0), np.zeros(0)]},
        {"predictions": [np.array([0.0, np.nan]), np.array([0.0, 1.0])]},
        {"audit_interval": (0.9, 0.8)},
        {"audit_interval": (float("nan"), 0.8)},
        {"curve": ([1, 2, 3, 4], [0.1, 0.2, np.nan, 0.4])},
        {"curve": ([0, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])},
        {"curve": ([1, 2, 3], [0.1, 0.2, 0.3, 0.4])},
        {"curve": FLAT, "next_labels": 0},
    ],
)
def test_bad_views_are_refused(views):
    with pytest.raises(ValueError, match="."):
        stop_hint(**views)
