"""Which given labels are probably wrong, what they should be, and how far that list can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from cleanlab.count import compute_confident_joint, estimate_joint
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SUM_TOLERANCE = 0.01
LEAST_ROWS = 10
PRIOR_SPREAD = (1.5, 0.5)  # how far, in log odds, people's decisions may move the level and the slope of our doubt


class LabelErrorsUndefined(ValueError):
    """The labels and probabilities given cannot be compared; the message says why."""


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class ExpectedPrecision:
    """Expected share of truly wrong labels among the `m` most suspect rows, for every m.

    `precision[m - 1]`, `low[m - 1]`, `high[m - 1]` belong to a list of m rows; `order` holds the rows from most to
    least suspect and `wrong` each row's probability of being wrong, in that order. `decided` counts the decisions of
    people behind it; with none, it is only the model's word.
    """

    order: Ints
    wrong: Floats
    precision: Floats
    low: Floats
    high: Floats
    n: int
    decided: int = 0

    def of(self, length: int) -> Estimate:
        """The expected precision of the list of the `length` most suspect rows."""
        if not 1 <= length <= self.n:
            raise LabelErrorsUndefined(f"A list has 1 to {self.n} rows, not {length}.")
        at = length - 1
        return Estimate(float(self.precision[at]), float(self.low[at]), float(self.high[at]), length)

    def longest(self, precision: float) -> int:
        """The longest list whose expected precision is at least `precision`; 0 when there is none."""
        enough = np.flatnonzero(self.precision >= precision)
        return int(enough[-1]) + 1 if enough.size else 0


@dataclass(frozen=True)
class LabelErrors:
    """`score` (n,) in 0..1, low = most suspect; `suggested` (n,) codes; `flagged` (n,) bool."""

    score: Floats
    suggested: Ints
    flagged: Bools
    expected_precision: ExpectedPrecision
    estimated_share: Estimate
    method: str


@dataclass(frozen=True)
class Decision:
    """What a person decided about a suspect row: the label was wrong (fixed), or right (kept)."""

    row: int
    wrong: bool


def suspected(labels: ArrayLike, probabilities: ArrayLike, *, classes: Sequence[str] | None = None) -> LabelErrors:
    """Score each given label by the probability that it is right, from out-of-sample probabilities."""
    given, believed = _checked(labels, probabilities, classes)
    right = _posterior(given, believed)
    rows = np.arange(given.size)
    score = right[rows, given]
    suggested = np.argmax(right, axis=1)
    expected = _expected(score)
    share = expected.of(expected.n)
    return LabelErrors(score, suggested, suggested != given, expected, share, "noise posterior")


def revised_precision(decisions: Sequence[Decision], expected: ExpectedPrecision) -> ExpectedPrecision:
    """Expected precision after people kept or fixed some rows."""
    if not decisions:
        return expected
    place = np.empty(expected.n, dtype=np.int64)
    place[expected.order] = np.arange(expected.n)
    at = place[[d.row for d in decisions]]
    fixed = np.array([d.wrong for d in decisions], dtype=float)
    level = float(
        logit((fixed.sum() + 0.5) / (fixed.size + 1)) - logit(np.clip(expected.wrong[at].mean(), 1e-6, 0.999))
    )
    wrong = expit(logit(np.clip(expected.wrong, 1e-9, 1 - 1e-9)) + level)
    wrong[at] = fixed
    return replace(_curve(expected.order, wrong), decided=len(decisions))


def _checked(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str] | None) -> tuple[Ints, Floats]:
    given, believed = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if believed.ndim != 2 or given.ndim != 1 or given.shape[0] != believed.shape[0]:
        raise LabelErrorsUndefined(f"Labels {given.shape} need probabilities (n, k), not {believed.shape}.")
    if not np.issubdtype(given.dtype, np.integer):
        raise LabelErrorsUndefined("Labels must be whole-number codes 0..k-1.")
    if not np.isfinite(believed).all():
        raise LabelErrorsUndefined(f"{(~np.isfinite(believed).all(axis=1)).sum()} rows hold NaN or infinity.")
    off = np.abs(believed.sum(axis=1) - 1).max() if believed.size else 0.0
    if off > SUM_TOLERANCE or (believed < 0).any():
        raise LabelErrorsUndefined(f"Each row must be probabilities that sum to 1; the worst is off by {off:.3g}.")
    return given.astype(np.int64), believed / believed.sum(axis=1, keepdims=True)


def _posterior(given: Ints, believed: Floats) -> Floats:
    joint = estimate_joint(given, believed, confident_joint=compute_confident_joint(given, believed))
    joint = joint + joint.mean() * 0.1
    transition = joint / joint.sum(axis=0, keepdims=True)
    right = believed * transition[given]
    return right / right.sum(axis=1, keepdims=True)


def _expected(score: Floats) -> ExpectedPrecision:
    order = np.argsort(score, kind="stable")
    return _curve(order, 1 - score[order])


def _curve(order: Ints, wrong: Floats) -> ExpectedPrecision:
    length = np.arange(1, wrong.size + 1)
    precision = np.cumsum(wrong) / length
    spread = norm.ppf(0.975) * np.sqrt(np.cumsum(wrong * (1 - wrong))) / length
    low, high = np.clip(precision - spread, 0, 1), np.clip(precision + spread, 0, 1)
    return ExpectedPrecision(order, wrong, precision, low, high, wrong.size)
