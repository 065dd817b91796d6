"""Two-sample shift check: at most five alarms in a hundred stable windows, and an alarm where something changed."""

import numpy as np
import pytest

from annotation.sampling.design.input_shift import Summary, find_shifts
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


class TestCopies:
    """Copies of one row count once: ten copies of 40 rows are no 400 rows."""

    @pytest.mark.simulation
    @pytest.mark.parametrize("copies", [1, 2, 10])
    def test_raise_the_false_alarms_of_the_whole_by_nothing(self, copies: int) -> None:
        alarms = naive = 0
        for s in range(60):
            before, recent = copied(400, 2 * s, copies), copied(150, 2 * s + 1, copies)
            alarms += check_shift(
                before[0], recent[0], seed=s, reference_groups=before[1], recent_groups=recent[1]
            ).drifted
            naive += check_shift(before[0], recent[0], seed=s).drifted
        assert alarms <= 2
        assert naive >= 5 or copies < 10

    @pytest.mark.parametrize("copies", [1, 2, 10])
    def test_raise_those_of_an_input_by_nothing(self, copies: int) -> None:
        alarms = naive = 0
        for s in range(200):
            rows = [copied(150, 2 * s, copies, d=1), copied(80, 2 * s + 1, copies, d=1)]
            values = np.concatenate([side[0][:, 0] for side in rows])
            groups = np.concatenate([rows[0][1], rows[1][1] + 10_000])
            recent = np.arange(len(values)) >= len(rows[0][0])
            alarms += bool(find_shifts([Summary("x", values)], recent, {}, groups=groups))
            naive += bool(find_shifts([Summary("x", values)], recent, {}))
        assert alarms <= 6
        assert naive > 20 or copies < 10

    def test_do_not_hide_a_shift(self) -> None:
        before, recent = copied(400, 0, 10), copied(150, 1, 10)
        check = check_shift(before[0], recent[0] + 1.0, seed=0, reference_groups=before[1], recent_groups=recent[1])
        assert check.drifted
        assert len(check.newness) == 1500


def copied(distinct: int, seed: int, copies: int, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Rows that come `copies` times each, and their groups."""
    rows = np.random.default_rng(seed).normal(size=(distinct, d))
    return np.tile(rows, (copies, 1)), np.tile(np.arange(distinct), copies)
