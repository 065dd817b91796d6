"""AUC of out-of-fold scores, its interval and its p."""

import numpy as np
import pytest

from analysis.metrics.drift.separation import HeldOut, separation


def _scores(seed: int, shift: float, rows: int = 60) -> HeldOut:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=rows), rng.normal(shift, 1, rows)
    return HeldOut(before, now, np.arange(2 * rows), np.arange(2 * rows) % 5)


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.35])
def test_the_interval_and_p_never_contradict_each_other(level: float, shift: float) -> None:
    for seed in range(60):
        auc, low, high, p = separation(_scores(seed, shift), 99, level, seed)
        assert low <= auc <= high
        assert (low > 0.5) == (p < 1 - level)
        assert high >= 0.5


def test_sides_that_are_the_same_are_seldom_separated_and_others_mostly() -> None:
    same, moved = (
        [separation(_scores(seed, shift), 99, 0.95, seed).p < 0.05 for seed in range(80)] for shift in (0, 1)
    )
    assert np.mean(same) <= 0.08
    assert np.mean(moved) >= 0.95


def test_scores_without_any_overlap_separate_wholly() -> None:
    found = separation(_scores(0, 100.0), 99, 0.95, 0)
    assert found == (1.0, 1.0, 1.0, 0.01)


def test_one_score_for_all_rows_separates_nothing() -> None:
    rows = np.full(60, 0.5)
    found = separation(HeldOut(rows, rows, np.arange(120), np.arange(120) % 5), 99, 0.95, 0)
    assert found == (0.5, 0.5, 0.5, 1.0)
