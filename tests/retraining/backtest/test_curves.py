"""Figures of a backtest, each against one worked out by hand."""

import numpy as np
import pytest

from retraining.backtest.curves import HeldOutScore, SeedRun, grid, held_out_score, summarise

FULL = HeldOutScore(accuracy=0.8, macro_f1=0.5)


def run(*accuracies: float) -> SeedRun:
    return SeedRun([HeldOutScore(value, value / 2) for value in accuracies], 2.0)


def test_the_last_round_is_smaller_where_the_budget_is_no_multiple_of_the_batch() -> None:
    assert grid(20, 50) == [20, 40, 50]
    assert grid(20, 20) == [20]


def test_area_is_the_mean_height_of_the_curve_over_what_all_labels_give() -> None:
    found = summarise([run(0.4, 0.8, 0.8)], [20, 40, 50], FULL, "accuracy")
    assert found["area"] == pytest.approx((0.6 * 20 + 0.8 * 10) / 30 / 0.8, abs=1e-4)


def test_area_of_a_single_round_is_its_score() -> None:
    assert summarise([run(0.4)], [20], FULL, "accuracy")["area"] == 0.5


def test_labels_to_95_is_the_mean_over_the_repetitions_that_got_there() -> None:
    found = summarise([run(0.4, 0.8, 0.8), run(0.76, 0.5, 0.9), run(0.1, 0.1, 0.1)], [20, 40, 60], FULL, "accuracy")
    assert (found["labels_to_95"], found["seeds_to_95"]) == (30.0, 2)


def test_labels_to_95_is_none_where_no_repetition_gets_there() -> None:
    found = summarise([run(0.1)], [20], FULL, "accuracy")
    assert (found["labels_to_95"], found["seeds_to_95"]) == (None, 0)


def test_a_point_of_the_curve_has_both_metrics_and_the_spread_of_the_one_that_was_asked_for() -> None:
    found = summarise([run(0.4), run(0.6)], [20], FULL, "macro_f1")
    assert found["curve"] == [{"labels": 20, "accuracy": 0.5, "macro_f1": 0.25, "sd": pytest.approx(0.0707, abs=1e-4)}]


def test_f1_is_averaged_over_the_classes_of_the_test_part() -> None:
    found = held_out_score(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 2]))
    assert found.accuracy == 0.5
    assert found.macro_f1 == pytest.approx((0.8 + 0.0) / 2)
