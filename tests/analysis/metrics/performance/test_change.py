"""Change point of accuracy: rare false alarms, power, intervals that hold, and the segment it comes from."""

import numpy as np
import pytest

from analysis.metrics.performance.change import LEAST_SIDE, AccuracyChange, accuracy_change
from validation import InvalidInput


def outcomes(rng: np.random.Generator, n: int, before: float, after: float, at: float) -> np.ndarray:
    return rng.random(n) < np.where(np.arange(n) < at * n, before, after)


def inclusion(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(rng.random(n) < 0.3, 1.0, rng.choice([0.05, 0.2], n))


def simulate(n: int, before: float, after: float, *, weighted: bool = False, copies: int = 1, runs: int = 120) -> list:
    found: list[AccuracyChange | None] = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        rows = n // copies
        good = np.repeat(outcomes(rng, rows, before, after, 0.7), copies)
        pi = np.repeat(inclusion(rng, rows) if weighted else np.ones(rows), copies)
        found.append(accuracy_change(good, pi, groups=np.repeat(np.arange(rows), copies), seed=seed))
    return found


@pytest.mark.simulation
@pytest.mark.parametrize(("accuracy", "weighted", "copies"), [(0.5, False, 1), (0.9, True, 1), (0.8, False, 4)])
def test_a_steady_model_is_rarely_called_changed(accuracy: float, weighted: bool, copies: int) -> None:
    found = simulate(160, accuracy, accuracy, weighted=weighted, copies=copies)
    assert np.mean([one is not None for one in found]) <= 0.1  # 5 % and three standard errors of 120 runs


@pytest.mark.simulation
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fall_of_twenty_points_is_found_near_its_day_and_the_interval_holds_the_truth(weighted: bool) -> None:
    found = [one for one in simulate(300, 0.9, 0.65, weighted=weighted) if one]
    assert len(found) >= 0.8 * 120
    assert abs(np.median([one.row for one in found]) - 210) <= 10
    assert np.mean([one.low <= -0.25 <= one.high for one in found]) >= 0.9


def test_the_segment_that_fell_is_named_and_the_parts_add_up() -> None:
    rng = np.random.default_rng(1)
    n = 400
    sensor = np.where(rng.random(n) < 0.4, "B", "A")
    late = np.arange(n) >= 250
    good = rng.random(n) < np.where(late & (sensor == "B"), 0.2, 0.93)
    day = rng.choice(["Monday", "Tuesday"], n)
    found = accuracy_change(good, np.ones(n), segments={"day": day.tolist(), "sensor": sensor.tolist()})
    assert found is not None
    assert found.segment == "sensor"
    parts = {one.value: one for one in found.segments}
    assert parts["B"].contribution < 4 * min(parts["A"].contribution, 0) - 0.1
    assert sum(one.contribution for one in found.segments) + found.mix == pytest.approx(found.difference)
    assert parts["B"].after.value is not None and parts["B"].after.value < 0.4


def test_a_value_first_seen_after_the_change_is_compared_with_the_mean_before() -> None:
    rng = np.random.default_rng(2)
    late = np.arange(300) >= 200
    good = rng.random(300) < np.where(late, 0.3, 0.95)
    found = accuracy_change(good, np.ones(300), segments={"sensor": np.where(late, "B", "A").tolist()})
    assert found is not None
    parts = {one.value: one for one in found.segments}
    assert parts["B"].before.value is None
    assert parts["B"].contribution == pytest.approx(found.difference, abs=0.1)
    assert sum(one.contribution for one in found.segments) + found.mix == pytest.approx(found.difference)


def test_a_value_that_nearly_vanished_counts_by_the_little_traffic_that_it_has_left() -> None:
    rng = np.random.default_rng(3)
    late = np.arange(400) >= 250
    old = ~late | (np.arange(400) % 25 == 0)
    good = rng.random(400) < np.where(late, 0.4, 0.93)
    found = accuracy_change(good, np.ones(400), segments={"sensor": np.where(old, "A", "B").tolist()})
    assert found is not None
    parts = {one.value: one for one in found.segments}
    assert abs(parts["A"].contribution) < 0.05
    assert found.mix == pytest.approx(0.0, abs=1e-9)  # what the means before say of the shares after
    assert parts["B"].contribution == pytest.approx(found.difference - parts["A"].contribution)


def test_rows_of_one_moment_stay_on_one_side() -> None:
    """Seen: a batch that shares one time was cut in two, and what counts by time had other sides."""
    good = np.arange(400) < 250
    moments = np.repeat(np.arange(4), 100)
    free, held = accuracy_change(good, np.ones(400)), accuracy_change(good, np.ones(400), moments=moments)
    assert free is not None and free.row == 250
    assert held is not None and held.row in (200, 300)
    assert accuracy_change(good, np.ones(400), moments=np.zeros(400)) is None
    assert accuracy_change(good, np.ones(400), moments=np.arange(400)) == free


@pytest.mark.parametrize("good", [[True] * (2 * LEAST_SIDE - 1), [True] * 100, [False] * 100, []])
def test_too_little_to_say_is_none(good: list[bool]) -> None:
    assert accuracy_change(np.array(good, dtype=bool), np.ones(len(good))) is None


def test_same_seed_same_answer_and_bad_input_is_refused() -> None:
    good = outcomes(np.random.default_rng(0), 200, 0.9, 0.4, 0.5)
    assert accuracy_change(good, np.ones(200), seed=3) == accuracy_change(good, np.ones(200), seed=3)
    with pytest.raises(InvalidInput):
        accuracy_change(good, np.zeros(200))
