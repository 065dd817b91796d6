"""Comparison of two arms: valid however often one looks, by simulation; exact where the counts say it."""

import numpy as np
import pytest

from analysis.metrics.monitoring import arms
from analysis.metrics.monitoring.arms import ArmCounts, difference, evidence_above, log_bets, log_evidence
from analysis.metrics.monitoring.guardrails import ALPHA, LIMITS, GuardrailRule, GuardrailState, guardrail, sample_ratio

STREAMS = 200


def streams(share: float, rates: tuple[float, float], rows: int, seed: int) -> np.ndarray:
    """(2, rows, STREAMS) events of the canary and of the champion so far."""
    rng = np.random.default_rng(seed)
    canary = rng.random((rows, STREAMS)) < share
    event = rng.random((rows, STREAMS)) < np.where(canary, rates[0], rates[1])
    return np.stack([(event & canary).cumsum(0), (event & ~canary).cumsum(0)])


def ever_rejected(share: float, counts: np.ndarray, null: float, alpha: float) -> np.ndarray:
    units = np.broadcast_to(np.arange(1, counts.shape[1] + 1)[:, None], counts[0].shape)
    found = log_evidence(log_bets(np.full(units.shape, share), units, counts[0], counts[1], null))
    return np.asarray((found >= -np.log(alpha)).any(axis=0))


@pytest.mark.parametrize(("share", "rate"), [(0.1, 0.1), (0.5, 0.3)])
def test_equal_arms_are_rarely_rejected_by_looks_after_each_unit(share: float, rate: float) -> None:
    rejected = ever_rejected(share, streams(share, (rate, rate), 1500, seed=1), 0.0, 0.05).mean()
    assert rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / STREAMS)


def test_a_difference_below_its_limit_is_rarely_rejected() -> None:
    counts = streams(0.2, (0.25, 0.2), 1500, seed=2)
    assert ever_rejected(0.2, counts, 0.05, 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / STREAMS)
    assert ever_rejected(0.2, streams(0.2, (0.6, 0.2), 1500, seed=3), 0.05, 0.05).mean() > 0.95


def test_twice_the_rate_is_found_within_300_decisions_of_the_canary() -> None:
    share, counts = 0.1, streams(0.1, (0.2, 0.1), 3000, seed=4)
    assert ever_rejected(share, counts, LIMITS[GuardrailRule.OVERRIDES], ALPHA).mean() > 0.5


def test_those_that_the_champion_answered_count_again_by_the_chance_that_is_left_to_them() -> None:
    """The same entities with the same events in two steps: a tenth, then half. Looked at after each unit of both, equal
    arms are rarely rejected."""
    rng = np.random.default_rng(6)
    places, event = rng.random((1500, STREAMS)), rng.random((1500, STREAMS)) < 0.3
    first, moved = places < 0.1, (places >= 0.1) & (places < 0.5)
    totals = [event & first, event & ~first, event & moved, event & (places >= 0.5), ~first]
    a, b, c, d, again = (one.cumsum(0) for one in totals)
    before = log_bets(np.full(a.shape, 0.1), np.broadcast_to(np.arange(1, 1501)[:, None], a.shape), a, b, 0.0)
    after = before[-1] + log_bets(np.full(a.shape, 0.4 / 0.9), again, c, d, 0.0)
    found = np.concatenate([log_evidence(before), log_evidence(after)])
    assert (found >= -np.log(0.05)).any(axis=0).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / STREAMS)


def test_the_limits_are_the_nulls_that_the_test_rejects() -> None:
    steps = [ArmCounts(0.1, 300, 2700, 45, 200), ArmCounts(0.5, 800, 790, 120, 60)]
    found = difference(steps, 0.0125)
    assert found.low < found.value < found.high
    assert evidence_above(steps, found.low - 1e-6) >= -np.log(0.0125) > evidence_above(steps, found.low + 1e-6)
    mirrored = difference([one.mirrored for one in steps], 0.0125)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_without_units_nothing_is_known() -> None:
    found = guardrail(GuardrailRule.OVERRIDES, [], 0.01)
    assert np.isnan(found.difference.value) and found.state == GuardrailState.OPEN
    assert (found.difference.low, found.difference.high) == (-1, 1)


def test_a_rule_is_broken_above_its_limit_and_holds_below() -> None:
    assert guardrail(GuardrailRule.ERRORS, [ArmCounts(0.5, 500, 500, 150, 50)], 0.01).state == GuardrailState.BROKEN
    assert (
        guardrail(GuardrailRule.EXCEPTIONS, [ArmCounts(0.5, 40_000, 40_000, 4, 4)], 0.005).state == GuardrailState.HOLDS
    )


def test_a_sample_ratio_of_52_to_48_holds_the_canary_and_the_plan_does_not() -> None:
    assert sample_ratio([ArmCounts(0.5, 10_400, 9_600, 0, 0)]).held
    assert not sample_ratio([ArmCounts(0.5, 10_050, 9_950, 0, 0)]).held
    assert not sample_ratio([]).held
    rng = np.random.default_rng(5)
    canary = (rng.random((4000, STREAMS)) < 0.3).cumsum(0)
    units = np.arange(1, 4001)[:, None]
    found = arms.ratio_evidence(0.3, canary, units - canary)
    assert (found >= -np.log(0.01)).any(axis=0).mean() <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / STREAMS)
