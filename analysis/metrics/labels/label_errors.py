"""Which given labels are probably wrong, what they should be, and how far that list can be trusted.

A wrong label can come about in two ways: at random, any class for any other, or by confusion, a class that the row
itself resembles. The first is best found where the model gives the label little probability (cleanlab's
self-confidence), the second where it gives another class much (its normalised margin), and no one knows beforehand
which is at work. So both are fitted to the labels as a mixture, together with the model's temperature, and each row is
scored by its posterior probability of being right. A model that does not beat the base rate can accuse no label, and
where the labels show no errors beyond the model's uncertainty, there may be none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import chi2

from analysis.metrics.core import intervals
from analysis.metrics.labels.signal import beats_base_rate
from validation import InvalidInput, arrays
from validation.arrays import numbers
from validation.probabilities import check_probabilities

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_ROWS = 10
HEATS = np.exp(np.linspace(-1.2, 1.8, 16))
ROUNDS = 60
EVIDENCE = float(chi2.ppf(0.999, 2))  # twice the log likelihood that a second noise cause must add to be used
# Spread, in log odds, of the model's estimate around the truth between data sets (docs/benchmarks/labels.md): in level,
# 1.1 between eleven planted sets, times 1.19 for the prediction of a twelfth (Student's t, 10 degrees)...
SPREAD = 1.3
SPREAD_WITHOUT_EVIDENCE = 3.0
SPREAD_WITHOUT_SIGNAL = 6.0  # anything is possible until people decide
SLOPE_SPREAD = 0.3  # ...and in how fast its certainty grows: the surer that a label is wrong, the more may be off
SUREST = 0.999  # no label is held to be wrong beyond this: some rows look like another class and are none
Z = intervals.normal_quantile(0.95)
NO_SIGNAL = "The inputs tell nothing about the labels: the model does not beat the base rate, so no label is suspected."
NO_EVIDENCE = "Normalised margin: the labels show no more errors than the model's uncertainty explains."


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
    for 98 % of lists, 90 to 100 % on a set (`benchmarks.label_coverage`).
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
class LabelErrors:
    """What is suspected of n given labels.

    `score` (n,) in 0..1, low = most suspect; `suggested` (n,) the likeliest other class, what the label would be if it
    is wrong; `flagged` (n,) more probably wrong than right, the head of the list by score; `expected_precision` of that
    list, by the same model; `estimated_share` of wrong labels among all; `method` how it was scored and why, in words.
    `unlike` (n,): labels that differ from what the model expects, to be checked first: those flagged, or, where errors
    are not evident, those of confident learning. `signal`: whether the probabilities know anything of the labels;
    without, nothing is flagged and the share has no value.
    """

    score: Floats
    suggested: Ints
    flagged: Bools
    expected_precision: ExpectedPrecision
    estimated_share: ShareWithInterval
    method: str
    unlike: Bools
    signal: bool = True


@dataclass(frozen=True)
class SuspectDecision:
    """What a person decided about a suspect row: the label was wrong (fixed), or right (kept)."""

    row: int
    wrong: bool


@dataclass(frozen=True)
class _Noise:
    """A fitted mixture: each row's probability (n,) of being right, the share of each cause, the evidence for them."""

    right: Floats
    at_random: float
    by_confusion: float
    gain: float


def suspected(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
) -> LabelErrors:
    """Score each given label by the probability that it is right.

    `labels` (n,): codes 0..k-1. `probabilities` (n, k): **out of sample**, rows that sum to 1; in-sample ones hide
    every error. `classes`: k names, for messages. `groups` (n,): copies of one row share one (`inputs.groups`) and
    count as one row together where errors are estimated and in intervals.

    Where the labels show no more errors than the model's uncertainty explains, the score is cleanlab's normalised
    margin (Northcutt, Jiang and Chuang 2021), nothing is flagged, and the expected precision is wide, down to 0; also
    where the probabilities do not beat the base rate (`signal`).
    Raises InvalidInput on input that cannot be judged.
    """
    given, pred_probs = _checked(labels, probabilities, classes)
    group = arrays.groups_of(groups, given.size)
    noise = _fitted(given, pred_probs, _share_of_group(group, given.size))
    others = pred_probs.copy()
    others[np.arange(given.size), given] = -1
    signal = _has_signal(given, pred_probs, group)
    evident = signal and noise.gain > EVIDENCE
    flagged = (noise.right < 0.5) & evident
    score = noise.right if evident else get_label_quality_scores(given, pred_probs, method="normalized_margin")
    order = np.argsort(score, kind="stable")
    expected = _expected(order, noise.right, SPREAD if evident else _wide_spread(signal), group)
    if not evident:
        expected = replace(expected, low=np.zeros(given.size))
    share = expected.of(expected.n)
    if not signal:
        share = ShareWithInterval(None, 0.0, 1.0, given.size, NO_SIGNAL)
    method = _describe_noise(noise) if evident else NO_EVIDENCE if signal else NO_SIGNAL
    unlike = flagged if evident else _confidently_unlike(given, pred_probs) & signal
    return LabelErrors(score, others.argmax(axis=1), flagged, expected, share, method, unlike, signal)


def _confidently_unlike(given: Ints, pred_probs: Floats) -> Bools:
    """Confident learning; a prefork worker may not have children, so cleanlab may not start any."""
    return np.asarray(find_label_issues(given, pred_probs, filter_by="low_normalized_margin", n_jobs=1))


def _wide_spread(signal: bool) -> float:
    return SPREAD_WITHOUT_EVIDENCE if signal else SPREAD_WITHOUT_SIGNAL


def _has_signal(given: Ints, pred_probs: Floats, group: Ints | None) -> bool:
    """Of the copies of one row the first counts."""
    first = np.arange(given.size) if group is None else np.unique(group, return_index=True)[1]
    return beats_base_rate(given[first], pred_probs[first])


def _expected(order: Ints, right: Floats, spread: float, group: Ints | None) -> ExpectedPrecision:
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
    weight = (
        np.ones(at.size) if expected.group is None else _share_of_group(expected.group[expected.order[at]], at.size)
    )
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


def _checked(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str] | None) -> tuple[Ints, Floats]:
    given, pred_probs = np.asarray(labels), numbers("probabilities", probabilities)
    if pred_probs.ndim != 2 or given.ndim != 1 or given.shape[0] != pred_probs.shape[0]:
        raise InvalidInput(f"Labels {given.shape} need probabilities (n, k), not {pred_probs.shape}.")
    if given.size < LEAST_ROWS:
        raise InvalidInput(f"{given.size} rows are too few to judge labels by; {LEAST_ROWS} is the least.")
    if not np.issubdtype(given.dtype, np.integer):
        raise InvalidInput("Labels must be whole-number codes 0..k-1.")
    k = pred_probs.shape[1]
    if classes is not None and len(classes) != k:
        raise InvalidInput(f"There are {k} columns of probabilities for {len(classes)} classes.")
    outside = given[(given < 0) | (given >= k)]
    if outside.size:
        raise InvalidInput(f"Label code {outside[0]} has no column among {k} classes.")
    if (given == given[0]).all():
        name = given[0] if classes is None else classes[given[0]]
        raise InvalidInput(f"All labels are {name}: with one class only there are no errors to find.")
    return given.astype(np.int64), check_probabilities(pred_probs)


def _fitted(given: Ints, pred_probs: Floats, weight: Floats) -> _Noise:
    """The likeliest shares of random and confused labels, over temperatures of the model's probabilities.

    At one temperature, a label g of a row with probabilities p is right with likelihood p_g, random with
    (1 - p_g) / (k - 1), confused with the sum over y != g of p_y p_g / (1 - p_y): a true class y, taken for another in
    proportion to the row's own probabilities.
    """
    log_p = np.log(np.maximum(pred_probs, 1e-12))
    rows, k = np.arange(given.size), pred_probs.shape[1]
    plain, best = -np.inf, (-np.inf, np.ones(given.size), np.array([1.0, 0.0, 0.0]))
    for heat in HEATS:
        p = np.exp(heat * (log_p - log_p.max(axis=1, keepdims=True)))
        p /= p.sum(axis=1, keepdims=True)
        odds = p / np.maximum(1 - p, 1e-9)
        label = np.maximum(p[rows, given], 1e-300)
        confused = label * (odds.sum(axis=1) - odds[rows, given])
        likely = np.column_stack([label, (1 - label) / (k - 1), np.maximum(confused, 0)])
        plain = max(plain, float(weight @ np.log(label)))
        best = max(best, _mixture(likely, weight), key=lambda found: found[0])
    reached, right, share = best
    return _Noise(right, float(share[1]), float(share[2]), 2 * (reached - plain))


def _share_of_group(group: Ints | None, n: int) -> Floats:
    """One over the rows of each row's group, (n,): the copies of one row count as one together."""
    if group is None:
        return np.ones(n)
    _, own, counts = np.unique(group, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[own])


def _variances(wrong: Floats, group: Ints | None) -> Floats:
    """Variance of the number of wrong labels among the first m rows, for every m; those of one group go together."""
    deviation = np.sqrt(wrong * (1 - wrong))
    if group is None:
        return np.cumsum(deviation**2)
    before = pd.Series(deviation).groupby(group).cumsum().to_numpy() - deviation
    return np.asarray(np.cumsum(deviation * (deviation + 2 * before)))


def _mixture(likely: Floats, weight: Floats) -> tuple[float, Floats, Floats]:
    """Log likelihood, posterior of the first component and shares of a mixture, by EM under a prior of three rows."""
    share = np.array([0.9, 0.05, 0.05])
    for _ in range(ROUNDS):
        joint = likely * share
        total = joint.sum(axis=1)
        share = (weight @ (joint / total[:, None]) + 1) / (weight.sum() + 3)
    return float(weight @ np.log(total)), joint[:, 0] / total, share


def _describe_noise(noise: _Noise) -> str:
    causes = [(noise.at_random, "at random"), (noise.by_confusion, "by confusion with a class that the row resembles")]
    found = [f"{share:.1%} wrong {how}" for share, how in causes if share >= 0.001]
    return f"Posterior of a noise model fitted to the labels: {' and '.join(found)}."


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
