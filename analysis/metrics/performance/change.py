"""Change point of accuracy: since when is it lower or higher, by how much, and in which segment?

The statistic is the largest likelihood ratio of two binomial means against one over all splits, with effective sample
sizes for weighted rows (Worsley, "The Power of Likelihood Ratio and Cumulative Sum Tests for a Change in a Binomial
Probability", 1983). Its distribution where nothing changed comes from permutations of the rows with their weights. The
interval of the difference joins Wilson limits of both means (MOVER: Donner and Zou, 2012) at the level of the largest
of all splits, so it holds for the split that was selected.
Copies of one another (a group) are one row: their mean outcome, at the time of the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.metrics.core.design import Design, design, kish
from analysis.metrics.core.weighted import Estimate, mean_score
from validation import arrays
from validation.arrays import Bools, Floats, Ints

RESAMPLES = 499
LEAST_SIDE = 20  # labelled rows on each side of a split
LEAST_MINORITY = 5  # errors and hits needed in all; fewer cannot show a change
MOST_SPLITS = 200
BLOCK = 2_000_000  # cells of permuted rows in memory at a time


@dataclass(frozen=True)
class SegmentChange:
    """One value of a segment before and after the change.

    contribution: its part of the change of the whole: its change times its traffic share after; a value first seen
    after the change is compared with the mean before. The parts and the mix add up to the difference: the mix is what
    the means before would have changed by at the shares after, so that a value that nearly vanished counts for little.
    """

    name: str
    value: str
    before: Estimate
    after: Estimate
    share_before: float
    share_after: float
    contribution: float


@dataclass(frozen=True)
class AccuracyChange:
    """The selected split. row: first row after it, in the order given. p: of the maximum over all splits.

    difference is after minus before, with a simultaneous interval [low, high] over all splits. mix: the part of the
    difference that comes from other traffic shares of the segment's values.
    """

    row: int
    before: Estimate
    after: Estimate
    difference: float
    low: float
    high: float
    p: float
    segment: str
    segments: tuple[SegmentChange, ...]
    mix: float


def accuracy_change(
    scores: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    segments: Mapping[str, Sequence[str]] | None = None,
    groups: ArrayLike | None = None,
    moments: ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> AccuracyChange | None:
    """The most likely change of the mean score over rows (n,) in time order; None where none is significant at
    1 - `level`. scores: 0 (wrong) to 1 (right), of classes 0 or 1.

    `segments`: the value of each segment for every row; the one whose values explain most of the change is reported.
    `moments` (n,): when each row was, ascending; no split parts rows of one moment, so that a time names the two sides.
    None too with fewer than twice LEAST_SIDE rows, or fewer than LEAST_MINORITY errors or hits. Raises InvalidInput.
    """
    drawn = design(inclusion_probability, groups=groups)
    good = arrays.unit_interval("scores", arrays.vector("scores", scores, drawn.n))
    value, weight, first = _merged(good, drawn.weight, groups)
    hits = float(value.sum())
    if len(value) < 2 * LEAST_SIDE or min(hits, len(value) - hits) < LEAST_MINORITY:
        return None
    splits = _splits(first, moments)
    if not len(splits):
        return None
    z = _deviance(value[None], weight[None], splits)[0]
    maxima = _permuted_maxima(value, weight, splits, np.random.default_rng(seed))
    best = int(np.argmax(z))
    p = float((1 + np.count_nonzero(maxima >= z[best])) / (1 + RESAMPLES))
    if p > 1 - level:
        return None
    row = int(first[splits[best]])
    before = np.arange(drawn.n) < row
    sides = [mean_score(good, side, drawn, level=level) for side in (before, ~before)]
    difference, low, high = _difference(value, weight, int(splits[best]), float(np.sqrt(np.quantile(maxima, level))))
    segment, parts, mix = _by_segment(good, drawn, before, segments or {}, difference)
    return AccuracyChange(row, sides[0], sides[1], difference, low, high, p, segment, parts, mix)


def _merged(good: Floats, weight: Floats, groups: ArrayLike | None) -> tuple[Floats, Floats, Ints]:
    """One row per group: mean outcome, summed weight, and the first row of the group; in order of first appearance."""
    rows = np.arange(len(good))
    if groups is None:
        return good, weight, rows
    _, first, code = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    mass = np.asarray(np.bincount(code.ravel(), weight), dtype=np.float64)
    order = np.argsort(first, kind="stable")
    value = np.bincount(code.ravel(), weight * good) / mass
    return value[order], mass[order], np.asarray(first[order], dtype=np.int64)


def _splits(first: Ints, moments: ArrayLike | None) -> Ints:
    """Numbers of merged rows before a split; at most MOST_SPLITS of them, evenly spread, none within one moment."""
    rows = np.arange(LEAST_SIDE, len(first) - LEAST_SIDE + 1)
    if moments is not None:
        when = np.asarray(moments)
        rows = rows[when[first[rows]] != when[first[rows] - 1]]
    if len(rows) <= MOST_SPLITS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_SPLITS).round().astype(np.int64)]


def _deviance(value: Floats, weight: Floats, splits: Ints) -> Floats:
    """(b, splits) likelihood-ratio statistic of two means against one, for (b, n) rows and their effective sizes."""
    hit, mass, square = (np.cumsum(part, axis=1) for part in (weight * value, weight, weight * weight))
    mean = hit[:, -1:] / mass[:, -1:]
    at = splits - 1
    sides = (
        (hit[:, at], mass[:, at], square[:, at]),
        (hit[:, -1:] - hit[:, at], mass[:, -1:] - mass[:, at], square[:, -1:] - square[:, at]),
    )
    return np.asarray(sum(2 * m * m / q * _divergence(np.clip(h / m, 0, 1), mean) for h, m, q in sides))


def _divergence(p: Floats, q: Floats) -> Floats:
    """Kullback–Leibler divergence of two shares in nats."""
    return np.asarray(special.xlogy(p, p / q) + special.xlogy(1 - p, (1 - p) / (1 - q)))


def _permuted_maxima(value: Floats, weight: Floats, splits: Ints, rng: np.random.Generator) -> Floats:
    """(RESAMPLES,) largest statistic of randomly permuted rows."""
    size = max(1, BLOCK // len(value))
    parts = []
    for start in range(0, RESAMPLES, size):
        order = rng.permuted(np.tile(np.arange(len(value)), (min(size, RESAMPLES - start), 1)), axis=1)
        parts.append(_deviance(value[order], weight[order], splits).max(axis=1))
    return np.concatenate(parts)


def _difference(value: Floats, weight: Floats, split: int, critical: float) -> tuple[float, float, float]:
    """Mean after minus mean before, with limits at `critical` standard errors, by Wilson limits of both means."""
    limits = [_wilson(value[part], weight[part], critical) for part in (slice(0, split), slice(split, None))]
    (a, a_low, a_high), (b, b_low, b_high) = limits
    low = b - a - float(np.hypot(b - b_low, a_high - a))
    high = b - a + float(np.hypot(b_high - b, a - a_low))
    return b - a, max(low, -1.0), min(high, 1.0)


def _wilson(value: Floats, weight: Floats, critical: float) -> tuple[float, float, float]:
    """A weighted share with Wilson limits on its effective number of rows (Korn and Graubard, 1998)."""
    n = kish(weight)
    mean = float(np.average(value, weights=weight))
    centre, spread = mean + critical**2 / (2 * n), critical * np.sqrt(mean * (1 - mean) / n + (critical / (2 * n)) ** 2)
    scale = 1 + critical**2 / n
    return mean, float((centre - spread) / scale), float((centre + spread) / scale)


def _by_segment(
    good: Floats, drawn: Design, before: Bools, segments: Mapping[str, Sequence[str]], difference: float
) -> tuple[str, tuple[SegmentChange, ...], float]:
    """The segment of which one value carries the largest part of the difference, its values and the change of mix."""
    best: tuple[str, tuple[SegmentChange, ...], float] = ("", (), 0.0)
    largest = 0.0
    for name, given in segments.items():
        values = np.asarray(list(given), dtype=object)
        parts = tuple(
            _segment_change(name, value, values == value, good, drawn, before) for value in sorted(set(values.tolist()))
        )
        if len(parts) < 2:
            continue
        part = max(one.contribution * np.sign(difference) for one in parts)
        if part > largest:
            largest, best = part, (name, parts, difference - sum(one.contribution for one in parts))
    return best


def _segment_change(name: str, value: str, inside: Bools, good: Floats, drawn: Design, before: Bools) -> SegmentChange:
    weight = drawn.weight
    sides = before, ~before
    overall = float(np.average(good[before], weights=weight[before]))
    shares = [float(weight[inside & side].sum() / weight[side].sum()) for side in sides]
    estimates = [mean_score(good, inside & side, drawn) for side in sides]
    old, new = (estimate.value for estimate in estimates)
    moved = 0.0
    if new is not None:
        moved = shares[1] * (new - (overall if old is None else old))
    return SegmentChange(name, value, estimates[0], estimates[1], shares[0], shares[1], moved)
