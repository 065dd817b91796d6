"""How many of the most suspect labels are truly wrong: expected from the model, corrected by what people decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from analysis.metrics.core import intervals
from analysis.metrics.core.design import equal_parts
from validation import InvalidInput
from validation.arrays import Floats, Ints

# Spread, in log odds, of the model's estimate around the truth between data sets (docs/benchmarks/labels.md): in level,
# 1.1 between eleven planted sets, times 1.19 for the prediction of a twelfth (Student's t, 10 degrees)...
SPREAD = 1.3
SLOPE_SPREAD = 0.3  # ...and in how fast its certainty grows: the surer that a label is wrong, the more may be off
SUREST = 0.999  # no label is held to be wrong beyond this: some rows look like another class and are none
Z = intervals.normal_quantile(0.95)


@dataclass(frozen=True)
class ShareWithInterval:
    """A share with its 95 % interval, over `n` rows; without a value, `note` says why."""

    value: float | None
    low: float
    high: float
    n: int
    note: str = ""


@dataclass(frozen=True)
class ExpectedPrecision:
    """Expected share of truly wrong labels among the `m` most suspect rows, for every m.

    `precision[m - 1]`, `low[m - 1]`, `high[m - 1]` belong to a list of m rows, in 0..1 with a 95 % interval; `order`
    holds the rows from most to least suspect and `wrong` each row's probability of being wrong, in that order; `spread`
    is how far, in log odds, all of it may be off. `decided` counts the decisions of people behind it; with none, it is
    only the model's estimate. The interval is nominally 95 %; on sixteen sets not used to choose its width it held
    for 98 % of lists, 86 to 100 % on a set (`benchmarks.label_coverage`).
    """

    order: Ints
    wrong: Floats
    precision: Floats
    low: Floats
    high: Floats
    n: int
    spread: float = SPREAD
    decided: int = 0
    group: Ints | None = None

    def of(self, length: int) -> ShareWithInterval:
        """The expected precision of the list of the `length` most suspect rows."""
        if not 1 <= length <= self.n:
            raise InvalidInput(f"A list has 1 to {self.n} rows, not {length}.")
        at = length - 1
        return ShareWithInterval(float(self.precision[at]), float(self.low[at]), float(self.high[at]), length)

    def longest(self, precision: float) -> int:
        """The longest list whose expected precision is at least `precision`; 0 when there is none."""
        enough = np.flatnonzero(self.precision >= precision)
        return int(enough[-1]) + 1 if enough.size else 0


@dataclass(frozen=True)
class SuspectDecision:
    """What a person decided about a suspect row: the label was wrong (fixed), or right (kept)."""

    row: int
    wrong: bool


def initial_precision(order: Ints, right: Floats, spread: float, group: Ints | None) -> ExpectedPrecision:
    """Of the rows in this order, from each one's probability of being right; `spread` and `group` as stored."""
    wrong = np.minimum(1 - right[order], SUREST)
    covariance = np.diag([spread**2, SLOPE_SPREAD**2])
    return _curve(order, wrong, _row_spread(_log_odds(wrong), covariance), spread, group)


def revised_precision(
    decisions: Sequence[SuspectDecision], expected: ExpectedPrecision, *, open_only: bool = False
) -> ExpectedPrecision:
    """The expected precision after people kept or fixed some rows, so that the precision shown is checked.

    Their decisions move the log odds of every row that is still open, by a level and a slope whose normal prior is the
    uncertainty before any decision (Bayesian logistic recalibration, Laplace approximation); decided rows count as
    decided, or with `open_only` are left out of the list.
    """
    if not decisions:
        return expected
    fixed = {decision.row: decision.wrong for decision in decisions}
    outside = [row for row in fixed if not 0 <= row < expected.n]
    if outside:
        raise InvalidInput(f"Row {outside[0]} was decided, but the list has rows 0 to {expected.n - 1}.")
    place = np.empty(expected.n, dtype=np.int64)
    place[expected.order] = np.arange(expected.n)
    at = place[np.fromiter(fixed, dtype=np.int64)]
    verdict = np.fromiter(fixed.values(), dtype=np.float64)
    odds = _log_odds(expected.wrong)
    weight = np.ones(at.size) if expected.group is None else equal_parts(expected.group[expected.order[at]], at.size)
    shift, covariance = _recalibrated(odds[at], verdict, expected.spread, weight)
    wrong = expit(odds + _design(odds) @ shift)
    spread = _row_spread(odds, covariance)
    wrong[at], spread[at] = verdict, 0.0
    if open_only:
        kept = np.delete(np.arange(expected.n), at)
        found = _curve(expected.order[kept], wrong[kept], spread[kept], expected.spread, expected.group)
        return replace(found, decided=len(fixed))
    revised = _curve(expected.order, wrong, spread, expected.spread, expected.group)
    # The probabilities before any decision stay, so that decisions can be added and taken back in any order.
    return replace(revised, wrong=expected.wrong, decided=len(fixed))


def _variances(wrong: Floats, group: Ints | None) -> Floats:
    """Variance of the number of wrong labels among the first m rows, for every m; those of one group go together."""
    deviation = np.sqrt(wrong * (1 - wrong))
    if group is None:
        return np.cumsum(deviation**2)
    before = pd.Series(deviation).groupby(group).cumsum().to_numpy() - deviation
    return np.asarray(np.cumsum(deviation * (deviation + 2 * before)))


def _log_odds(wrong: Floats) -> Floats:
    result: Floats = logit(np.clip(wrong, 1e-9, 1 - 1e-9))
    return result


def _design(odds: Floats) -> Floats:
    """Design of the estimate's error, (n, 2): a level for all rows, and a slope where a label is held to be wrong."""
    return np.column_stack([np.ones(odds.size), np.maximum(odds, 0)])


def _row_spread(odds: Floats, covariance: Floats) -> Floats:
    """Standard deviation (n,) of each row's log odds, by the covariance (2, 2) of level and slope."""
    design = _design(odds)
    result: Floats = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    return result


def _curve(
    order: Ints, wrong: Floats, row_spread: Floats, spread: float, group: Ints | None = None
) -> ExpectedPrecision:
    """Means over every head of the list; the interval joins chance and what all rows may be off by together."""
    length = np.arange(1, wrong.size + 1)
    precision = np.cumsum(wrong) / length
    odds = _log_odds(wrong)
    open_rows = row_spread > 0
    down = np.cumsum(np.where(open_rows, expit(odds - Z * row_spread), wrong)) / length
    up = np.cumsum(np.where(open_rows, expit(odds + Z * row_spread), wrong)) / length
    chance = Z * np.sqrt(_variances(wrong, None if group is None else group[order])) / length
    low = np.clip(precision - np.hypot(precision - down, chance), 0, precision)
    high = np.clip(precision + np.hypot(up - precision, chance), precision, 1)
    return ExpectedPrecision(order, wrong, precision, low, high, wrong.size, spread, group=group)


def _recalibrated(odds: Floats, verdict: Floats, spread: float, weight: Floats) -> tuple[Floats, Floats]:
    """Level and slope (2,) that decisions add to the log odds, and their covariance (2, 2)."""
    design = _design(odds)
    precision = np.diag([spread**-2.0, SLOPE_SPREAD**-2.0])
    shift = np.zeros(2)
    for _ in range(50):
        p = expit(odds + design @ shift)
        slope = design.T @ (weight * (verdict - p)) - precision @ shift
        bend = (design * (weight * p * (1 - p))[:, None]).T @ design + precision
        step = np.linalg.solve(bend, slope)
        shift = shift + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-8:
            break
    return shift, np.linalg.inv(bend)
