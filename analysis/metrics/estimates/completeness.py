"""Completeness of what is reported late: of the outcomes that come within a horizon, the share that came by some age.

Only outcomes that came by now are seen: a delay is right-truncated by the age of its prediction. The product-limit
estimate in reverse time (reverse Kaplan-Meier) corrects for that: Lagakos, Barraj and De Gruttola, Nonparametric
analysis of truncated survival data, with application to AIDS, Biometrika 75 (1988). Its variance is Greenwood's in
reverse time; limits are those of the complementary log-log scale. Predictions without any outcome play no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import intervals
from validation import InvalidInput, arrays
from validation.arrays import Floats

LEAST = 10  # outcomes of predictions that are as old as the horizon


@dataclass(frozen=True)
class ReportedShare:
    """Share that was reported by one age, with its interval; None where too little is known."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN = ReportedShare(None, None, None)


@dataclass(frozen=True)
class CompletenessCurve:
    """Share of the outcomes of `horizon` that came by each age, from n outcomes; `full` of them were seen all through.

    delays (m,) ascending, with those that came (m,) and those at risk (m,) at each.
    """

    horizon: float
    n: int
    full: int
    delays: Floats
    came: Floats
    at_risk: Floats

    def at(self, age: float, *, level: float = 0.95) -> ReportedShare:
        """Share that came until this age; 1 from the horizon on."""
        if self.full < LEAST:
            return UNKNOWN
        if age >= self.horizon:
            return ReportedShare(1.0, 1.0, 1.0)
        later = self.delays > age
        came, at_risk = self.came[later], self.at_risk[later]
        tail, before_all = (1 - level) / 2, len(came) == len(self.delays)
        alone = at_risk <= came  # nothing else could have come by then: any share fits below
        if alone[int(before_all) :].any():  # the shortest delay is always alone
            return UNKNOWN
        if before_all:
            return ReportedShare(0.0, 0.0, 1 - float(tail ** (1 / self.full)))
        value = float(np.prod(1 - came / at_risk))
        if value == 1.0:  # none came later of those that could have been seen to
            return ReportedShare(1.0, float(tail ** (1 / self.full)), 1.0)
        error = float(np.sqrt(np.sum(came / (at_risk * (at_risk - came)))))
        shift = intervals.normal_quantile(level) * error / -np.log(value)
        return ReportedShare(value, value ** float(np.exp(shift)), value ** float(np.exp(-shift)))


def completeness(delays: ArrayLike, ages: ArrayLike, *, horizon: float) -> CompletenessCurve:
    """The curve from the delays (n,) of outcomes that came and the ages (n,) of their predictions, in one unit.

    Delays beyond the horizon are left out. Raises InvalidInput where a delay is below 0 or longer than its age.
    """
    delay, age = arrays.vector("delays", delays), arrays.vector("ages", ages)
    if delay.shape != age.shape or np.any(delay < 0) or np.any(delay > age):
        raise InvalidInput("delays take numbers from 0 to the age of their prediction.")
    within = delay <= horizon
    delay, age = delay[within], age[within]
    distinct, came = np.unique(delay, return_counts=True)
    reached = np.searchsorted(np.sort(delay), distinct, side="right")
    too_young = np.searchsorted(np.sort(age), distinct, side="left")  # their delays are shorter as well
    full = int(np.count_nonzero(age >= horizon))
    return CompletenessCurve(
        horizon, len(delay), full, distinct, came.astype(float), (reached - too_young).astype(float)
    )


def longest_horizon(ages: ArrayLike, *, most: float) -> float:
    """The longest horizon up to `most` that LEAST outcomes were seen all through; 0 where there is none."""
    old = np.sort(arrays.vector("ages", ages))[::-1]
    return 0.0 if len(old) < LEAST else float(min(most, old[LEAST - 1]))


def mean_share(curve: CompletenessCurve, ages: Sequence[float], counts: Sequence[int]) -> ReportedShare:
    """The share that came of predictions of these ages, so many of each; limits are means of limits."""
    shares = [curve.at(age) for age in ages]
    if not shares or any(one.value is None for one in shares):
        return UNKNOWN
    parts = np.array([[one.value, one.low, one.high] for one in shares], dtype=float)
    value, low, high = np.asarray(counts, dtype=float) @ parts / sum(counts)  # exactly 1 where each is
    return ReportedShare(float(value), float(low), float(high))


def forecast(came: int, share: ReportedShare, *, most: int, level: float = 0.95) -> ReportedShare:
    """How many will have come at the horizon, from how many came and the share that they are; at most `most`.

    The interval joins what is not known of the share with the chance of those that are still to come.
    """
    if share.value is None or share.low is None or share.high is None or not share.value or not share.low:
        return UNKNOWN
    quantile = intervals.normal_quantile(level)
    low = came / share.high - quantile * np.sqrt(came * (1 - share.high)) / share.high
    high = (came + 1) / share.low + quantile * np.sqrt((came + 1) * (1 - share.low)) / share.low
    if share.low == 1:
        low = high = came
    value = min(came / share.value, most)
    return ReportedShare(value, float(max(min(low, value), came)), float(min(max(high, value), most)))
