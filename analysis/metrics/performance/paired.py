"""Paired tests of two models on the same rows: superiority and non-inferiority."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import beta, binom, norm

from analysis.metrics.core import intervals
from analysis.metrics.core.weighted import Estimate
from validation import InvalidInput, arrays
from validation.arrays import Floats

METHOD = "Weighted paired mean, limits by empirical likelihood ratio"
NUISANCE_DOUBT = 0.001  # of the error rate, spent on where the share of discordant rows may lie
NUISANCE_GRID = 41


@dataclass(frozen=True)
class Difference:
    """Mean gain of the candidate over the champion, in points (hundredths); above 0 the candidate is better.

    low, high: interval at `level`; n: rows; n_effective: independent rows of equal weight that would tell as much.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    n_effective: float

    @property
    def as_share(self) -> Estimate:
        """The same as a share, -1 to 1."""
        return Estimate(self.value / 100, self.low / 100, self.high / 100, self.n, self.n_effective, METHOD)


def exact_p(fixed: int, broken: int, n: int) -> float:
    """One-sided p that the candidate is no better, from `fixed` and `broken` rows among n; low means better.

    Exact unconditional test of Suissa and Shuster (1991) on McNemar's z, its nuisance parameter (the share of
    discordant rows) confined to a 99.9 % interval after Berger and Boos (1994): the error rate is never above the
    nominal one, as with McNemar's exact test, but less of it is wasted. Raises InvalidInput on impossible counts.
    """
    if min(fixed, broken) < 0 or fixed + broken > n:
        raise InvalidInput(f"{fixed} fixed and {broken} broken rows among {n} are impossible.")
    return 1.0 if fixed <= broken else _exact_p(fixed, broken, n)


@lru_cache(maxsize=4096)
def _exact_p(fixed: int, broken: int, n: int) -> float:
    discordant = fixed + broken
    z = (fixed - broken) / np.sqrt(discordant)
    low = beta.ppf(NUISANCE_DOUBT / 2, discordant, n - discordant + 1)
    high = beta.ppf(1 - NUISANCE_DOUBT / 2, discordant + 1, n - discordant) if discordant < n else 1.0
    shares = np.linspace(low, high, NUISANCE_GRID)
    counts = np.arange(max(1, int(binom.ppf(1e-9, n, low))), min(n, int(binom.ppf(1 - 1e-9, n, high))) + 1)
    least = np.ceil((counts + z * np.sqrt(counts)) / 2 - 1e-9)
    tail = binom.sf(least - 1, counts, 0.5)
    worst = (binom.pmf(counts[None, :], n, shares[:, None]) @ tail).max()
    return float(min(1.0, worst + NUISANCE_DOUBT))


def not_worse_p(gain: ArrayLike, weights: ArrayLike, *, margin: float, groups: ArrayLike | None = None) -> float:
    """One-sided p that the mean gain is `-margin` (a share) or less; low means the candidate is not worse.

    gain: (n,) in [-1, 1]; weights: (n,) inverse inclusion probabilities; groups: (n,), see `one_a_group`. With margin
    0 it tests for better. 1 without rows. Signed root of the empirical likelihood ratio (Owen 2001), see `padded`;
    unlike a Wald or bootstrap test it keeps its error rate when the few rows that count for much are lopsided.
    """
    g, w = one_a_group(*_rows(gain, weights), groups)
    return float(norm.sf(_root(_sample(g, w), mean=-margin))) if len(g) else 1.0


def difference(gain: ArrayLike, weights: ArrayLike, *, level: float, groups: ArrayLike | None = None) -> Difference:
    """Weighted (Hajek) mean gain with the interval of all means that an empirical likelihood ratio test would keep.

    gain: (n,) in [-1, 1]; weights: (n,) inverse inclusion probabilities; level: in (0, 1); groups: (n,), see
    `one_a_group`. The padding draws the
    interval towards 0; where every row says the same it would leave the mean outside, so it is widened to hold it.
    Raises InvalidInput without rows or out of range.
    """
    rows = _rows(gain, weights)
    g, w = one_a_group(*rows, groups)
    if not len(g):
        raise InvalidInput("There are no rows to compare.")
    if not 0 < level < 1:
        raise InvalidInput(f"The level of an interval lies between 0 and 1, not at {level}.")
    sample, z = _sample(g, w), intervals.normal_quantile(level)
    value = float(np.average(g, weights=w))
    return Difference(
        value=100 * value,
        low=100 * min(value, _mean_at(sample, z)),
        high=100 * max(value, _mean_at(sample, -z)),
        level=level,
        n=len(rows[0]),
        n_effective=float(w.sum() ** 2 / (w**2).sum()),
    )


def one_a_group(gain: Floats, weights: Floats, groups: ArrayLike | None) -> tuple[Floats, Floats]:
    """One gain and weight for each group of rows, (g,) each: copies of a row are decided alike, so they count once.

    groups: (n,), the same value for copies of one row (`inputs.groups`), None where there are none. A group weighs
    what its rows weigh together and gains their weighted mean, so the mean stays and its error is that of independent
    groups (ultimate clusters; for empirical likelihood, Owen 2001, section 4.4).
    """
    group = arrays.groups_of(groups, n=len(gain))
    if group is None:
        return gain, weights
    together = np.bincount(group, weights).astype(float)
    mean = np.divide(np.bincount(group, weights * gain), together, out=np.zeros(len(together)), where=together > 0)
    return np.clip(mean, -1.0, 1.0), together


def padded(gain: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Gains and weights with one row gained and one lost added, both of size-biased mean weight.

    After Agresti and Min (2005, "Wald + 2") and Chen, Variyath and Abraham (2008): where few or no rows differ, the
    sample alone would be sure of what it cannot know; the weight stands for a heavy row that was missed by luck.
    """
    weights = weights / weights.mean()
    heavy = (weights**2).sum() / weights.sum()
    return np.concatenate([gain, [1.0, -1.0]]), np.concatenate([weights, [heavy, heavy]])


@dataclass(frozen=True)
class _DistinctRows:
    """The distinct rows of a padded sample, each array (m,): gain, weight, how often."""

    gain: Floats
    weight: Floats
    count: Floats


def _rows(gain: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    g = arrays.numbers("gain", gain)
    if g.ndim != 1 or not (np.abs(g) <= 1 + 1e-9).all():
        raise InvalidInput("gain must be one row of numbers between -1 and 1.")
    return np.clip(g, -1.0, 1.0), arrays.weights(weights, n=len(g))


def _sample(gain: Floats, weights: Floats) -> _DistinctRows:
    values, weight = padded(gain, weights)
    distinct, count = np.unique(values + 1j * weight, return_counts=True)
    return _DistinctRows(distinct.real, distinct.imag, count.astype(float))


def _root(sample: _DistinctRows, *, mean: float) -> float:
    """Signed root of the log empirical likelihood ratio for `mean`; above 0 where the sample's is higher."""
    z = sample.weight * (sample.gain - mean)
    if not z.min() < 0 < z.max():
        return np.inf if z.min() >= 0 else -np.inf
    edges = (-(1 - 1e-10) / z.max(), -(1 - 1e-10) / z.min())
    tilt = brentq(lambda t: (sample.count * z / (1 + t * z)).sum(), *edges)
    return float(np.sign(tilt) * np.sqrt(max(0.0, 2 * (sample.count * np.log1p(tilt * z)).sum())))


def _mean_at(sample: _DistinctRows, root: float) -> float:
    """The mean whose signed root is `root`; the root falls without bound from mean -1 to mean 1."""
    inside = 1 - 1e-9
    ends = [_root(sample, mean=mean) - root for mean in (-inside, inside)]
    if not ends[0] > 0 > ends[1]:
        return -1.0 if ends[0] <= 0 else 1.0
    return float(brentq(lambda mean: _root(sample, mean=mean) - root, -inside, inside, xtol=1e-6))
