from typing import Any

import numpy as np
import pytest

from analysis.metrics.monitoring.monitor import LossMonitor, MonitorRule, change_start, monitor_losses
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from benchmarks.monitor_exact import alarm_chances
from validation import InvalidInput

RULE = MonitorRule(horizon=730)
KNOWN = LossReference(0.1)


def losses(*parts: tuple[float, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(n) < level).astype(float) for level, n in parts])


def alarms(
    level: float,
    rows: int,
    *,
    reference: LossReference = KNOWN,
    rule: MonitorRule = RULE,
    streams: int = 1000,
    seed: int = 0,
) -> float:
    rng, monitor = np.random.default_rng(seed), LossMonitor(reference, rule, streams)
    for _ in range(rows):
        monitor.add(rng.random(streams) < level)
    return float(monitor.alarmed.mean())


def test_a_stable_stream_that_is_looked_at_after_each_label_of_a_year_rarely_alarms() -> None:
    assert alarms(0.1, 730) <= 0.07  # at most 0.05 in truth; 0.007 is one standard error


def test_a_rise_is_found_and_an_improvement_is_not() -> None:
    assert alarms(0.2, 150) > 0.85
    assert alarms(0.05, 730) < 0.005


def test_items_drawn_more_often_count_less() -> None:
    """The mean over all traffic is .1: the half that is drawn five times as often is wrong three times as often."""
    rng, alarmed = np.random.default_rng(1), 0
    for _ in range(60):
        often = rng.random(400) < 5 / 6
        wrong = (rng.random(400) < np.where(often, 0.15, 0.05)).astype(float)
        chance = np.where(often, 0.5, 0.1)
        reference = LossReference(0.1, plain=2 / (1 / 0.5 + 1 / 0.1))
        found = monitor_losses(wrong, chance, reference=reference, rule=RULE)
        naive = monitor_losses(wrong, np.full(400, reference.plain), reference=reference, rule=RULE)
        alarmed += (found.alarm is not None) - (naive.alarm is not None)
    assert alarmed < -10  # the rows themselves are wrong in 13.3 %, which is a rise that traffic does not have


def test_an_alarm_names_the_row_and_since_when() -> None:
    stream = losses((0.1, 300), (0.3, 200))
    found = monitor_losses(stream, np.full(500, 0.2), reference=LossReference(0.1, plain=0.2), rule=RULE)
    assert 300 < found.alarm < 400
    assert abs(found.since - 300) < 25
    assert (found.n, found.labels, found.is_over) == (500, pytest.approx(500), False)


def test_later_rows_change_neither_the_alarm_nor_since_when() -> None:
    stream = losses((0.1, 300), (0.3, 200))
    some, all_of_it = (monitor_losses(stream[:n], np.ones(n), reference=KNOWN, rule=RULE) for n in (400, 500))
    assert (some.alarm, some.since) == (all_of_it.alarm, all_of_it.since)


def test_copies_of_one_item_count_once() -> None:
    wrong = np.append(np.zeros(30), np.ones(40))
    groups = np.append(np.arange(30), np.full(40, 30))
    assert monitor_losses(wrong, np.ones(70), reference=KNOWN, rule=RULE).alarm is not None
    copies = monitor_losses(wrong, np.ones(70), reference=KNOWN, rule=RULE, groups=groups)
    assert (copies.alarm, copies.n) == (None, 31)


def test_a_reference_of_few_labels_needs_more_to_alarm_than_a_known_one() -> None:
    few = estimated_reference(np.append(np.ones(20), np.zeros(180)), np.ones(200))
    assert alarms(0.15, 400, reference=few, streams=100) < alarms(0.15, 400, streams=100) - 0.2
    assert alarms(0.3, 300, reference=few, streams=100) > 0.9


@pytest.mark.simulation
@pytest.mark.parametrize(("rows", "level"), [(100, 0.3), (300, 0.05), (500, 0.05), (500, 0.8), (1000, 0.1)])
def test_an_estimated_reference_keeps_the_alarm_rate_over_reference_and_stream_together(
    rows: int, level: float
) -> None:
    assert 0.02 < alarm_chances(rows, level, np.full(3650, level))[-1] <= 0.05


@pytest.mark.simulation
def test_five_points_more_than_in_500_labels_are_found_within_150() -> None:
    assert alarm_chances(500, 0.05, np.full(150, 0.1))[-1] > 0.5


def test_the_computed_chance_of_an_alarm_is_that_of_the_monitor_itself() -> None:
    """The bets are kept for some clocks only, so they follow the boundary nearly."""
    computed = alarm_chances(0, 0.1, np.full(150, 0.2))[-1]
    assert alarms(0.2, 150, rule=MonitorRule()) == pytest.approx(computed, abs=0.05)


def test_no_row_after_the_horizon_raises_an_alarm() -> None:
    stream = losses((0.1, 60), (0.9, 200))
    rule = MonitorRule(horizon=60)
    found = monitor_losses(stream, np.ones(260), reference=KNOWN, rule=rule)
    assert found.alarm is None and found.is_over


def test_nothing_labelled_is_no_alarm() -> None:
    found = monitor_losses([], [], reference=KNOWN)
    assert (found.alarm, found.n, found.labels) == (None, 0, 0.0)


def test_the_start_of_a_rise_is_where_the_sum_that_follows_is_largest() -> None:
    assert change_start(np.array([-1.0, 0.5, -1.0, 2.0, -0.5, 1.0])) == 3


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 0.7}, {"shift": 0.0}, {"shift": 1.0}, {"horizon": 5}])
def test_a_rule_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        MonitorRule(**wrong)


def test_losses_and_probabilities_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput, match="losses"):
        monitor_losses([1.5], [1.0], reference=KNOWN)
    with pytest.raises(InvalidInput, match="inclusion_probability"):
        monitor_losses([1.0], [0.0], reference=KNOWN)
    with pytest.raises(InvalidInput, match="losses"):
        monitor_losses([1.0, 0.0], [1.0], reference=KNOWN)
