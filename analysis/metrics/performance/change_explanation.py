"""Explanation of a change of accuracy: changed mix of segments, moved inputs within them, and the rest.

Write p for the share of a segment's value, m for its mean score, 0 for before and 1 for after. The difference is

    mix     Σ (p1 - p0) m0            the means before at the shares after (Kitagawa 1955; Oaxaca 1973; Blinder 1973)
    inputs  Σ p1 (m0x - m0)           m0x: the mean before, had the inputs within the value been those of after
    rest    Σ p1 (m1 - m0x)           same inputs, other scores: concept drift, or inputs that are not among `features`
    unseen  Σ p1 (m1 - mean before)   over values that were not there before, where the two cannot be separated

as in DISDE, which splits a drop into a part by X and a part by Y given X (Cai, Namkoong and Yadlowsky, "Diagnosing
Model Performance Under Distribution Shift", 2023). m0x joins a model of the score with weights from a classifier of
before against after: it is right where either of them is (Robins, Rotnitzky and Zhao, JASA 1994). Both are ridge
logistic regressions on the features and their squares. Intervals are normal ones, with the standard error of a
bootstrap of clusters, each side apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.design import added_up, design
from analysis.metrics.core.intervals import normal_quantile
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints

RESAMPLES = 200
LEAST_SIDE = 30  # labelled rows before and after
MOST_FEATURES = 12
RIDGE = 1.0
STEPS = 8  # of Newton's method, which has converged by then
MOST_ODDS = 20.0  # of one row: where before has no such inputs, no weight makes up for it


@dataclass(frozen=True)
class ChangePart:
    """One part of the difference, in the unit of the score, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ChangeExplanation:
    """The four parts; their values add up to `difference`, the weighted mean after minus the one before."""

    difference: float
    mix: ChangePart
    inputs: ChangePart
    rest: ChangePart
    unseen: ChangePart


def explain_change(
    scores: ArrayLike,
    inclusion_probability: ArrayLike,
    after: ArrayLike,
    features: ArrayLike,
    *,
    segment: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ChangeExplanation | None:
    """The parts of the difference of the mean score (n,) in 0 to 1 between the rows `after` (n,) and the others.

    features (n, d): named numbers of the inputs, NaN where missing; the first MOST_FEATURES are used. segment: its
    value for each row. groups (n,): copies share one. None with fewer than LEAST_SIDE rows on a side. Raises
    InvalidInput.
    """
    drawn = design(inclusion_probability, groups=groups)
    score = arrays.unit_interval("scores", arrays.vector("scores", scores, drawn.n))
    late = arrays.booleans("after", after, drawn.n)
    if min(int(late.sum()), int((~late).sum())) < LEAST_SIDE:
        return None
    codes = _codes(segment, late)
    table = _table(_matrix(features, drawn.n), codes)
    found = _decompose(score, drawn.weight, late, codes, table)
    copies = _resampled(late, np.arange(drawn.n) if drawn.group is None else drawn.group, resamples, seed)
    again = np.array([_decompose(score, drawn.weight * times, late, codes, table) for times in copies])
    spread = again.std(axis=0, ddof=1) * normal_quantile(level)
    parts = [ChangePart(float(v), float(v - s), float(v + s)) for v, s in zip(found, spread, strict=True)]
    return ChangeExplanation(float(found.sum()), *parts)


def _matrix(features: ArrayLike, n: int) -> Floats:
    found = np.asarray(features, dtype=np.float64)
    if found.ndim != 2 or found.shape[0] != n:
        raise InvalidInput(f"features has the shape {found.shape}; {n} rows of numbers are needed.")
    return found[:, :MOST_FEATURES]


def _codes(segment: Sequence[str] | None, late: Bools) -> Ints:
    """The place of each row's value (n,), -1 where it was not there before."""
    if segment is None:
        return np.zeros(late.size, dtype=np.int64)
    if len(segment) != late.size:
        raise InvalidInput(f"segment has {len(segment)} rows where {late.size} are needed.")
    _, codes = np.unique(np.asarray(segment, dtype=object).astype(str), return_inverse=True)
    before = np.bincount(codes[~late], minlength=int(codes.max()) + 1)
    return np.where(before[codes] == 0, -1, codes).astype(np.int64)


def _table(features: Floats, codes: Ints) -> Floats:
    """Standardised features, missing ones at their mean with a column that says so, their squares, and the values."""
    missing = ~np.isfinite(features)
    known = np.where(missing, np.nan, features)
    kept = (~missing).sum(axis=0) > 1
    known, missing = known[:, kept], missing[:, kept]
    spread = np.nanstd(known, axis=0) if kept.any() else np.zeros(0)
    moving = spread > 0
    scaled = (known[:, moving] - np.nanmean(known[:, moving], axis=0)) / spread[moving]
    scaled = np.clip(np.where(missing[:, moving], 0.0, scaled), -4.0, 4.0)
    absent = missing[:, missing.any(axis=0)].astype(float)
    values = np.array([codes == value for value in np.unique(codes)], dtype=float).T
    return np.hstack([np.ones((codes.size, 1)), scaled, scaled**2, absent, values])


def _decompose(score: Floats, weight: Floats, late: Bools, codes: Ints, table: Floats) -> Floats:
    """Mix, inputs, rest and unseen (4,)."""
    before, now = np.where(late, 0.0, weight), np.where(late, weight, 0.0)
    old, new = _shares(before, codes), _shares(now, codes)
    mean = float(before @ score / before.sum())
    expected, odds = _models(score, weight, late, table)
    moved = before * odds
    parts = np.zeros(4)
    for value in np.unique(codes):
        inside = codes == value
        p0, p1 = old.get(int(value), 0.0), new.get(int(value), 0.0)
        m1 = _mean(score, now, inside, mean)
        if value < 0 or not before[inside].sum():
            parts[3] += p1 * (m1 - mean)
            parts[0] += (p1 - p0) * mean
            continue
        m0 = _mean(score, before, inside, mean)
        parts[0] += (p1 - p0) * m0
        if p1:
            shifted = _mean(expected, now, inside, m0) + _mean(score - expected, moved, inside, 0.0)
            parts[1] += p1 * (shifted - m0)
            parts[2] += p1 * (m1 - shifted)
    return parts


def _shares(weight: Floats, codes: Ints) -> dict[int, float]:
    values, place = np.unique(codes, return_inverse=True)
    sums = added_up(weight, place.astype(np.int64), values.size) / weight.sum()
    return dict(zip(values.tolist(), sums.tolist(), strict=True))


def _mean(values: Floats, weight: Floats, inside: Bools, otherwise: float) -> float:
    mass = float(weight[inside].sum())
    return float(values[inside] @ weight[inside]) / mass if mass > 0 else otherwise


def _models(score: Floats, weight: Floats, late: Bools, table: Floats) -> tuple[Floats, Floats]:
    """The score that the rows before let expect, (n,), and the odds (n,) of after against before, up to a factor."""
    expected = _logistic(table, score, np.where(late, 0.0, weight))
    sides = np.where(late, weight / weight[late].sum(), weight / weight[~late].sum())
    chance = np.clip(_logistic(table, late.astype(float), sides), 1e-6, 1 - 1e-6)
    return expected, np.minimum(chance / (1 - chance), MOST_ODDS)


def _logistic(table: Floats, target: Floats, weight: Floats) -> Floats:
    """Fitted means (n,) of a ridge logistic regression of a target in 0 to 1, by Newton's method."""
    used = weight > 0
    scaled = weight * (float(weight.sum()) / float(weight @ weight))  # their sum is the effective number of rows
    x, y, w = table[used], target[used], scaled[used]
    penalty = np.full(table.shape[1], RIDGE)
    penalty[0] = 1e-6
    beta = np.zeros(table.shape[1])
    for _ in range(STEPS):
        mean = _sigmoid(x @ beta)
        slope = x.T @ (w * (y - mean)) - penalty * beta
        curve = (x * (w * np.maximum(mean * (1 - mean), 1e-4))[:, None]).T @ x + np.diag(penalty)
        beta = beta + np.linalg.solve(curve, slope)
    return _sigmoid(table @ beta)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))))


def _resampled(late: Bools, group: Ints, resamples: int, seed: int) -> list[Floats]:
    """How often each row (n,) is drawn: whole clusters, those that begin before and those after apart."""
    rng = np.random.default_rng(seed)
    units = int(group.max()) + 1
    first = np.zeros(units, dtype=bool)
    first[group[late]] = True
    sides = [np.flatnonzero(first), np.flatnonzero(~first)]
    found = []
    for _ in range(resamples):
        times = np.zeros(units)
        for side in sides:
            if side.size:
                times[side] = np.bincount(rng.integers(0, side.size, side.size), minlength=side.size)
        drawn = times[group]
        found.append(drawn if drawn[late].any() and drawn[~late].any() else np.ones(late.size))
    return found
