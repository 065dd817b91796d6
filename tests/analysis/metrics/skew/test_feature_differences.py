"""Differences of features between training and serving: which values are equal, how often they differ, by how much."""

from typing import Any

import numpy as np
import pytest

from analysis.metrics.skew.feature_differences import differ, feature_differences
from validation import InvalidInput


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1.0, 1, False),
        (0.1, float(np.float32(0.1)), False),
        (1e6, 1e6 + 0.5, False),
        (1.0, 1.00001, True),
        (0.0, 1e-10, False),
        (0.0, 1e-8, True),
        (None, float("nan"), False),
        (None, "", False),
        (None, 0, True),
        ("a", "a ", True),
        (True, 1, True),
        ("1", 1, True),
        ([1.0, 2.0], [1.0, float(np.float32(2.0000001))], False),
        ([1.0], [1.0, 2.0], True),
        ([{"role": "user"}], [{"role": "tool"}], True),
    ],
)
def test_values_are_equal_within_the_stated_tolerance(one: Any, other: Any, expected: bool) -> None:
    assert (differ(one, other), differ(other, one)) == (expected, expected)


def test_rate_size_and_gaps_of_a_feature() -> None:
    serving: list[dict[str, float | None]] = [{"x": 1.0}, {"x": 5.0}, {"x": None}, {}, {"x": 4.0}]
    training: list[dict[str, float | None]] = [{"x": 1.0}, {"x": 3.0}, {"x": 2.0}, {}, {}]
    [found] = feature_differences(serving, training, ["x"])
    assert (found.rate.value, found.rate.n, found.places) == (0.6, 5, [1, 2, 4])
    assert (found.missing_serving, found.missing_training, found.numbers) == (1, 1, 2)
    assert (found.mean_difference, found.relative_difference) == (1.0, 0.5)


def test_without_pairs_nothing_is_said() -> None:
    [found] = feature_differences([], [], ["x"])
    assert (found.rate.value, found.mean_difference, found.places) == (None, None, [])


def test_pairs_of_one_entity_carry_less_than_as_many_entities() -> None:
    unlike = [{"x": float(n // 10 % 4 == 0)} for n in range(400)]
    same = [{"x": 0.0}] * 400
    [alone] = feature_differences(unlike, same, ["x"])
    [grouped] = feature_differences(unlike, same, ["x"], groups=np.arange(400) // 10)
    widths = [found.rate.high - found.rate.low for found in (alone, grouped) if found.rate.high and found.rate.low]
    assert widths[1] > 1.5 * widths[0]


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one row for each pair"):
        feature_differences([{}], [], ["x"])


def test_the_interval_holds_the_true_rate_as_often_as_it_says() -> None:
    rng, held, runs, rate = np.random.default_rng(1), 0, 400, 0.03
    for _ in range(runs):
        serving = [{"x": float(value)} for value in rng.random(300) < rate]
        found = feature_differences(serving, [{"x": 0.0}] * 300, ["x"])[0].rate
        held += found.low <= rate <= found.high
    assert 0.93 * runs <= held
