"""The two-sample rule: quiet where nothing changed, loud where something did."""

import numpy as np
import pytest

from annotation.sampling.design.shift_check import LEAST_ROWS, check_shift


def window(n: int, shift: float = 0.0, *, seed: int, d: int = 20) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    rows[:, 0] += shift
    return rows


def test_alarms_on_at_most_five_of_a_hundred_stable_windows() -> None:
    alarms = sum(check_shift(window(800, seed=2 * s), window(200, seed=2 * s + 1), seed=s).drifted for s in range(100))
    assert alarms <= 5


def test_finds_a_shift_of_one_standard_deviation_in_nine_of_ten_windows() -> None:
    found = sum(
        check_shift(window(800, seed=2 * s), window(200, 1.0, seed=2 * s + 1), seed=s).drifted for s in range(40)
    )
    assert found >= 36


def test_a_large_window_does_not_alarm_at_a_shift_that_nobody_would_act_on() -> None:
    assert not check_shift(window(2000, seed=1, d=1), window(2000, 0.15, seed=2, d=1), seed=0).drifted


def test_newness_ranks_the_far_above_the_near() -> None:
    recent = np.vstack([window(150, seed=3), window(50, 8.0, seed=4)])
    newness = check_shift(window(500, seed=5), recent, seed=0).newness
    assert newness[150:].min() > 0.9
    assert np.median(newness[:150]) < 0.8


def test_says_what_it_needs_where_a_window_is_small() -> None:
    verdict = check_shift(window(500, seed=1), window(LEAST_ROWS - 1, 9.0, seed=2), seed=0)
    assert not verdict.drifted
    assert "100 of each are needed" in verdict.words


def test_constant_columns_say_nothing() -> None:
    assert not check_shift(np.ones((300, 3)), np.ones((200, 3)), seed=0).drifted


def test_refuses_nan_and_other_widths() -> None:
    with pytest.raises(ValueError, match="NaN"):
        check_shift(np.full((200, 2), np.nan), window(200, seed=1, d=2), seed=0)
    with pytest.raises(ValueError, match="one d"):
        check_shift(window(200, seed=1, d=2), window(200, seed=1, d=3), seed=0)
