"""How well out-of-fold scores separate two sides: AUC, its interval and its p, which never contradict each other."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.metrics.core import intervals

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CrossFitted:
    """Out-of-fold P(current | row) per side; block and fold of each row, reference first."""

    before: Floats
    now: Floats
    blocks: Array
    folds: Array


class Separation(NamedTuple):
    """AUC with its interval; p: chance of such an AUC where the sides are the same."""

    auc: float
    low: float
    high: float
    p: float


def separation(fitted: CrossFitted, permutations: int, level: float, seed: int) -> Separation:
    """Interval by DeLong's placements summed per block, p by permuting blocks within folds and never below that of the
    interval: `low` is above .5 where p < 1 - `level`, and nowhere else."""
    rows = len(fitted.before)
    auc, error = _auc(fitted.before, fitted.now, fitted.blocks[:rows], fitted.blocks[rows:])
    p = max(_permutation_p(fitted, permutations, np.random.default_rng(seed)), _interval_p(auc, error))
    return Separation(auc, *_interval(auc, error, p, level), p)


def _interval_p(auc: float, error: float) -> float:
    """Two-sided p of an AUC above .5 by the normal law of its interval; 1 at and under .5."""
    if auc <= 0.5:
        return 1.0
    return float(2 * stats.norm.sf((auc - 0.5) / error)) if error > 0 else 0.0


def _interval(auc: float, error: float, p: float, level: float) -> tuple[float, float]:
    """The interval of the AUC, reaching to .5 where p says that chance alone could bring such an AUC."""
    reach = intervals.normal_quantile(level) * error
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    return (low, high) if p < 1 - level else (min(low, 0.5), max(high, 0.5))


def _auc(before: Floats, now: Floats, block_a: Array, block_b: Array) -> tuple[float, float]:
    """AUC and its standard error from DeLong's placements, summed per block."""
    sorted_a, sorted_b = np.sort(before), np.sort(now)
    above = (np.searchsorted(sorted_a, now, "left") + np.searchsorted(sorted_a, now, "right")) / (2 * len(before))
    below = 1 - (np.searchsorted(sorted_b, before, "left") + np.searchsorted(sorted_b, before, "right")) / (
        2 * len(now)
    )
    auc = float(above.mean())
    return auc, float(np.sqrt(_cluster_variance(above - auc, block_b) + _cluster_variance(below - auc, block_a)))


def _cluster_variance(residual: Floats, blocks: Array) -> float:
    sums = np.bincount(blocks - blocks.min(), residual)
    return float((sums**2).sum() / len(residual) ** 2 * len(sums) / max(1, len(sums) - 1))


def _permutation_p(fitted: CrossFitted, permutations: int, rng: np.random.Generator) -> float:
    """Mean rank of the window within each fold, against the same with the sides of whole blocks permuted."""
    scores, fold = np.r_[fitted.before, fitted.now], fitted.folds
    ranks = np.empty(len(scores))
    for held in np.unique(fold):
        ranks[fold == held] = stats.rankdata(scores[fold == held]) / (fold == held).sum()
    first = np.unique(fitted.blocks, return_index=True)[1]
    totals = np.bincount(fitted.blocks, ranks).astype(float)
    sizes = np.bincount(fitted.blocks).astype(float)
    sides, folds = (first >= len(fitted.before)).astype(float), fold[first]
    seen, places = _mean_gap(totals, sizes, sides), np.argsort(folds, kind="stable")
    beaten = 0
    for _ in range(permutations):
        shuffled = np.empty_like(sides)
        shuffled[places] = sides[np.lexsort((rng.random(len(folds)), folds))]
        beaten += _mean_gap(totals, sizes, shuffled) >= seen - 1e-12
    return (1 + beaten) / (1 + permutations)


def _mean_gap(totals: Floats, sizes: Floats, sides: Floats) -> float:
    return float((totals @ sides) / (sizes @ sides) - (totals @ (1 - sides)) / (sizes @ (1 - sides)))
