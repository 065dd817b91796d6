"""Protected slices in the gate on disagreements: shown not to be worse by the margin, or shown to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from analysis.metrics.core.multiple_tests import holm
from analysis.metrics.performance.paired import Difference
from retraining.learning.gate.bounded_mean import Limits, MeanTest, confidence_limits, mean_above, mean_below
from retraining.learning.gate.decision import GateRule
from retraining.learning.gate.labels_needed import more_labels
from retraining.learning.gate.traffic import PairedTraffic
from validation.arrays import Bools, Floats, Ints

RATE_DOUBT = 0.1  # of a slice's error rate, spent on where its rate of disagreement may lie


@dataclass(frozen=True)
class SliceResult:
    """Whether a protected slice is shown not to be worse by `margin` points, or shown to be.

    p_not_worse, p_worse: anytime-valid, adjusted after Holm. rows, disagreements: of the slice in the window; labels of
    it so far. difference: in points over the slice's traffic, None without a label.
    """

    name: str
    margin: float
    rows: int
    disagreements: int
    labels: int
    difference: Difference | None
    p_not_worse: float
    p_worse: float
    passed: bool
    failed: bool


@dataclass(frozen=True)
class ProtectedSlice:
    """One protected slice: its rows and disagreements in the window, and where its rate may lie."""

    rows: int
    disagreements: int
    rate_low: float
    rate_high: float
    gains: Floats

    def not_worse(self, margin: float, alpha: float) -> MeanTest | None:
        """The test that it loses `margin` or more; None where the versions differ too rarely for that."""
        return None if self.rate_high <= margin else mean_above(self.gains, -margin / self.rate_high, alpha)

    def worse(self, margin: float, alpha: float) -> MeanTest | None:
        """The test that it loses less than `margin`; None where it can't lose so much."""
        return None if self.rate_low <= margin else mean_below(self.gains, -margin / self.rate_low, alpha)


def slice_results(
    window: PairedTraffic, rows: Ints, gains: Floats, rule: GateRule, *, plan: bool, seed: int
) -> tuple[tuple[SliceResult, ...], list[int | None]]:
    """Each protected slice with its place in Holm's order, and how many more labels each probably needs."""
    names = list(window.protected)
    if not names:
        return (), []
    share = rule.alpha / len(names)
    parts = [slice_rows(window, mask, rows, gains, doubt=RATE_DOUBT * share) for mask in window.protected.values()]
    doubt, rest = RATE_DOUBT * share, (1 - RATE_DOUBT) * share
    tests = [part.not_worse(rule.margin, rest) for part in parts]
    against = [part.worse(rule.margin, rest) for part in parts]
    p_not_worse = holm([doubt if test is None else min(1.0, doubt + float(test.p[0])) for test in tests])
    p_worse = holm([1.0 if test is None else min(1.0, doubt + float(test.p[0])) for test in against])
    results = tuple(
        SliceResult(
            name=name,
            margin=100 * rule.margin,
            rows=part.rows,
            disagreements=part.disagreements,
            labels=len(part.gains),
            difference=traffic_difference(part.gains, rate=part.disagreements / max(part.rows, 1), alpha=rule.alpha),
            p_not_worse=float(p_good),
            p_worse=float(p_bad),
            passed=bool(p_good <= rule.alpha),
            failed=bool(p_bad <= rule.alpha),
        )
        for name, part, p_good, p_bad in zip(names, parts, p_not_worse, p_worse, strict=True)
    )
    if not plan:
        return results, []
    total = max(int(window.differs.sum()), 1)
    plans = [
        0 if result.passed else _slice_plan(part, test, share=part.disagreements / total, power=rule.power, seed=seed)
        for result, part, test in zip(results, parts, tests, strict=True)
    ]
    return results, plans


def _slice_plan(part: ProtectedSlice, test: MeanTest | None, *, share: float, power: float, seed: int) -> int | None:
    """Labels of all disagreements that bring this slice the labels it probably needs; None where it can't be known."""
    if test is None or not share > 0:
        return None
    inside = more_labels(part.gains, (test,), signs=(1,), power=power, seed=seed)
    return None if inside is None else int(np.ceil(inside / share))


def slice_rows(window: PairedTraffic, mask: Bools, rows: Ints, gains: Floats, *, doubt: float) -> ProtectedSlice:
    """The slice of this mask (n,), with the gains (m,) of the rows drawn (m,) that lie in it."""
    inside = np.flatnonzero(mask)
    differs = np.flatnonzero(mask & window.differs)
    distinct = window.first_of_copies(inside).mean() if len(inside) else 1.0
    low, high = _rate_limits(len(differs) * distinct, len(inside) * distinct, doubt)
    return ProtectedSlice(len(inside), len(differs), low, high, gains[mask[rows]])


def _rate_limits(count: float, n: float, doubt: float) -> tuple[float, float]:
    """Clopper and Pearson's limits of a rate, each wrong with chance `doubt` at most; 0 and 1 without rows."""
    low = float(beta.ppf(doubt, count, n - count + 1)) if count > 0 else 0.0
    high = float(beta.isf(doubt, count + 1, n - count)) if n > count else 1.0
    return low, high


def traffic_difference(gains: Floats, *, rate: float, alpha: float) -> Difference | None:
    """Points of the traffic: the rate times the mean gain on disagreements and its confidence sequence."""
    if not len(gains):
        return None
    limits: Limits = confidence_limits(gains, alpha)
    informative = (gains**2).sum() ** 2 / max((gains**4).sum(), np.finfo(float).tiny)
    mean = float(gains.mean())
    return Difference(
        value=100 * rate * mean,
        low=100 * rate * min(limits.low, mean),
        high=100 * rate * max(limits.high, mean),
        level=1 - 2 * alpha,
        n=len(gains),
        n_effective=float(informative),
    )
