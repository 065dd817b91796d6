from dataclasses import replace

import numpy as np
import pytest

from analysis.metrics.monitoring.monitor import MonitorRule, monitor_losses
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from analysis.metrics.monitoring.watches import Watch, WatchedStream, follow, growing_watches
from benchmarks.monitor_exact import alarm_chances
from benchmarks.monitor_growing import alarms, alarms_of

RULE = MonitorRule()
WATCHES = growing_watches(100)


def stream(losses: np.ndarray) -> WatchedStream:
    def reference(labels: int) -> LossReference:
        return estimated_reference(losses[:labels], np.ones(labels))

    return WatchedStream(losses, np.ones(losses.size), np.ones(losses.size), reference)


def errors(*parts: tuple[float, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(n) < level).astype(float) for level, n in parts])


def test_the_watches_share_the_alarm_rate_and_end_together() -> None:
    rules = [watch.rule(RULE, 100) for watch in WATCHES]
    assert sum(rule.alpha for rule in rules) == pytest.approx(RULE.alpha)
    assert [watch.labels + rule.horizon for watch, rule in zip(WATCHES, rules, strict=True)] == [3750] * 3


def test_the_first_alarm_of_any_watch_counts_and_later_labels_leave_it() -> None:
    losses = errors((0.05, 500), (0.3, 200))
    found = [follow(stream(losses[:n]), WATCHES, RULE).rise for n in (600, 650, 700)]
    assert found[0] is not None and found[0] == found[1] == found[2]
    assert 500 < found[0].alarm < 600 and abs(found[0].since - 500) < 20 and found[0].labels in (100, 200, 400)
    alone = [
        monitor_losses(
            losses[watch.labels :],
            np.ones(losses.size - watch.labels),
            reference=stream(losses).reference(watch.labels),
            rule=watch.rule(RULE, 100),
        )
        for watch in WATCHES
    ]
    first = [watch.labels + one.alarm for watch, one in zip(WATCHES, alone, strict=True) if one.alarm is not None]
    assert found[0].alarm == min(first)


def test_without_labels_after_the_first_ones_nothing_is_watched() -> None:
    found = follow(stream(errors((0.05, 100))), WATCHES, RULE)
    assert (found.rise, found.is_over) == (None, False)


def test_no_alarm_is_raised_after_the_horizon() -> None:
    losses = errors((0.05, 300), (0.6, 300))
    found = follow(stream(losses), WATCHES[:1], replace(RULE, horizon=200))
    assert found.rise is None and found.is_over


YEAR = replace(RULE, horizon=730)


@pytest.mark.simulation
def test_a_stable_stream_rarely_alarms_in_a_year() -> None:
    found = alarms(0.04, stable=830, risen=0, streams=500, seed=3, watches=WATCHES, rule=YEAR)
    assert np.isfinite(found).mean() <= 0.07  # at most 0.05 in truth; 0.01 is one standard error


@pytest.mark.simulation
def test_five_points_more_than_in_the_first_500_labels_are_found_within_150() -> None:
    first = growing_watches(500)[0]
    assert alarm_chances(500, 0.05, np.full(150, 0.1), first.rule(RULE, 500))[-1] > 0.5


@pytest.mark.simulation
def test_a_rise_after_many_labels_is_found_sooner_than_by_the_first_ones_alone() -> None:
    growing, alone = (
        alarms(0.05, stable=600, risen=400, streams=300, seed=4, watches=watches, rule=YEAR)
        for watches in (WATCHES, [Watch(100, 1.0, RULE.early_share)])
    )
    assert np.isfinite(growing[growing > 600]).mean() > np.isfinite(alone[alone > 600]).mean() + 0.1


@pytest.mark.simulation
def test_the_cusum_of_the_benchmark_is_the_watch_itself() -> None:
    wrong = np.random.default_rng(6).random((400, 40)) < np.append(np.full(200, 0.05), np.full(200, 0.2))[:, None]
    rises = [follow(stream(wrong[:, one].astype(float)), WATCHES[:1], YEAR).rise for one in range(40)]
    found = alarms_of(wrong, WATCHES[0], WATCHES[0].rule(YEAR, 100))
    same = [rise is not None and abs(rise.alarm + 1 - label) <= 3 for rise, label in zip(rises, found, strict=True)]
    assert np.mean(same) > 0.9  # bets are kept for some clocks only, so they follow the boundary nearly
