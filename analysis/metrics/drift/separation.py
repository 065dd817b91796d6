"""How well held-out scores separate two sides: AUC, its interval and its p, which never contradict each other.

Scores must come from a model of earlier folds alone (Dawid 1984, prequential). What k-fold cross-validation holds out
is not enough: each pair of folds is then counted twice, since either one's rows teach the model that scores the other,
and without drift the variance of the AUC is up to twice what the rows of each fold show (no estimate of it is free of
bias, Bengio and Grandvalet 2004). Given the folds before, a fold's rows know nothing of their sides unless there is
drift.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """Held-out P(current | row) per side; block and fold of each row, reference first."""

    before: Floats
    now: Floats
    blocks: Array
    folds: Array


class Separation(NamedTuple):
    """AUC with limits, each of which holds by itself at the level; p: chance of such an AUC or more where the sides are
    the same."""

    auc: float
    low: float
    high: float
    p: float


def separation(fitted: HeldOut, permutations: int, level: float, seed: int) -> Separation:
    """AUC within folds. Only an AUC above .5 speaks of a difference, so p and the limits look at one end each: p by
    permuting blocks within folds and never below that of the lower limit; limits by DeLong's placements, summed per
    block, and a t law of as many degrees of freedom as blocks of the smaller side allow. `low` is above .5 where
    p < 1 - `level`, and nowhere else."""
    auc, error, freedom = _auc(fitted)
    p = max(_permutation_p(fitted, permutations, np.random.default_rng(seed)), _interval_p(auc, error, freedom))
    return Separation(auc, *_interval(auc, float(stats.t.ppf(level, freedom)) * error, p, level), p)


def _interval_p(auc: float, error: float, freedom: int) -> float:
    """p of such an AUC or more by the law of its limits."""
    if error == 0:
        return 0.0 if auc > 0.5 else 1.0
    return float(stats.t.sf((auc - 0.5) / error, freedom))


def _interval(auc: float, reach: float, p: float, level: float) -> tuple[float, float]:
    """The interval of the AUC, reaching to .5 where p says that chance alone could bring such an AUC."""
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    return (low, high) if p < 1 - level else (min(low, 0.5), max(high, 0.5))


def _auc(fitted: HeldOut) -> tuple[float, float, int]:
    """AUC within folds, its standard error from DeLong's placements summed per block, and degrees of freedom."""
    rows = len(fitted.before)
    fold_a, fold_b = fitted.folds[:rows], fitted.folds[rows:]
    above, below = np.full(len(fitted.now), np.nan), np.full(rows, np.nan)
    for fold in np.intersect1d(fold_a, fold_b):
        in_a, in_b = fold_a == fold, fold_b == fold
        above[in_b] = _share_below(fitted.before[in_a], fitted.now[in_b])
        below[in_a] = 1 - _share_below(fitted.now[in_b], fitted.before[in_a])
    auc = float(np.nanmean(above))
    (one, blocks_a), (other, blocks_b) = (
        _cluster_variance(below, fitted.blocks[:rows]),
        _cluster_variance(above, fitted.blocks[rows:]),
    )
    return auc, float(np.sqrt(one + other)), max(1, min(blocks_a, blocks_b) - 1)


def _share_below(others: Floats, scores: Floats) -> Floats:
    """The share of `others` below each score, ties by half."""
    ordered = np.sort(others)
    both = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    result: Floats = both / (2 * len(others))
    return result


def _cluster_variance(placements: Floats, blocks: Array) -> tuple[float, int]:
    """Variance of the mean, from the sums of each block's distances to it, and how many blocks there are."""
    counted = ~np.isnan(placements)
    _, block = np.unique(blocks[counted], return_inverse=True)
    sums = np.bincount(block, placements[counted] - placements[counted].mean())
    return float((sums**2).sum() / counted.sum() ** 2 * len(sums) / max(1, len(sums) - 1)), len(sums)


def _permutation_p(fitted: HeldOut, permutations: int, rng: np.random.Generator) -> float:
    """Mean rank of the window within each fold, against the same with the sides of whole blocks permuted."""
    scores, fold = np.r_[fitted.before, fitted.now], fitted.folds
    first, block, sizes = np.unique(fitted.blocks, return_index=True, return_inverse=True, return_counts=True)[1:]
    is_now, fold_of = first >= len(fitted.before), fold[first]
    seen, permuted, all_ranks = np.zeros(2), np.zeros((permutations, 2)), 0.0
    for held in np.unique(fold):
        inside, own = fold == held, fold_of == held
        ranks = np.zeros(len(scores))
        ranks[inside] = stats.rankdata(scores[inside]) / inside.sum()
        figures = np.column_stack([np.bincount(block, ranks)[own], sizes[own]])
        all_ranks += float(figures[:, 0].sum())
        seen += is_now[own] @ figures
        permuted += rng.permuted(np.tile(is_now[own], (permutations, 1)), axis=1) @ figures
    gaps = _mean_gap(permuted, all_ranks, len(scores))
    beaten = int((gaps >= _mean_gap(seen[None], all_ranks, len(scores))[0] - 1e-12).sum())
    return (1 + beaten) / (1 + permutations)


def _mean_gap(of_window: Floats, all_ranks: float, rows: int) -> Floats:
    """Mean rank of the window less that of the reference, from each row's sum of ranks and number of rows."""
    ranks, count = of_window.T
    result: Floats = ranks / count - (all_ranks - ranks) / (rows - count)
    return result
