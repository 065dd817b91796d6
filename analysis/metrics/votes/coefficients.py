"""Coefficients of agreement by weights of items: 1 less what disagrees over what would by chance.

Each takes weights (b, u) of patterns or items, of an estimate as of its bootstrap, and gives (b,), NaN where
chance cannot disagree.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Coefficient = Callable[[Floats], Floats]  # weights of patterns (b, u) -> coefficients (b,), NaN where undefined


def chance_corrected(disagreed: Floats, by_chance: Floats) -> Floats:
    """1 - disagreed / by_chance, NaN where chance cannot disagree."""
    possible = by_chance > 1e-12
    return np.where(possible, 1 - disagreed / np.where(possible, by_chance, 1), np.nan)


def distinct_rows(table: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """The distinct rows of a table of counts, found by a random projection, and how often each occurs."""
    table.sum_duplicates()
    mark = table @ np.random.default_rng(0).random(table.shape[1])
    _, first, n = np.unique(mark.round(9), return_index=True, return_counts=True)
    return table[first], n


def nominal_coefficient(patterns: sparse.csr_matrix) -> Coefficient:
    m = np.asarray(patterns.sum(axis=1)).ravel()
    differ = (m**2 - np.asarray(patterns.multiply(patterns).sum(axis=1)).ravel()) / (m - 1)

    def coefficient(weight: Floats) -> Floats:
        total = weight @ patterns
        n = total.sum(axis=1)
        return chance_corrected(weight @ differ, (n**2 - (total**2).sum(axis=1)) / (n - 1))

    return coefficient


def ordinal_coefficient(patterns: sparse.csr_matrix) -> Coefficient:
    """The ordinal difference is the squared distance of mid-ranks, which depend on the resample."""
    m = np.asarray(patterns.sum(axis=1)).ravel()

    def coefficient(weight: Floats) -> Floats:
        total = weight @ patterns
        rank = np.cumsum(total, axis=1) - total / 2
        n = total.sum(axis=1)
        squares = ((weight * (m / (m - 1))) @ patterns * rank**2).sum(axis=1)
        sums = ((patterns @ rank.T) ** 2 * (weight / (m - 1)).T).sum(axis=0)
        spread = n * (total * rank**2).sum(axis=1) - (total * rank).sum(axis=1) ** 2
        return chance_corrected(2 * (squares - sums) / n**3, 2 * spread / (n - 1) / n**3)

    return coefficient


def interval_coefficient(moments: Floats) -> Coefficient:
    m, first, second = moments.T
    differ = 2 * (m * second - first**2) / (m - 1)

    def coefficient(weight: Floats) -> Floats:
        n, s, t = weight @ m, weight @ first, weight @ second
        return chance_corrected(weight @ differ / n, 2 * (n * t - s**2) / (n - 1) / n)

    return coefficient


def moments_of_items(item: NDArray[np.int64], value: Floats) -> Floats:
    """Votes, sum and sum of squares per item (items, 3), of values brought to mean 0 and deviation 1."""
    value = np.ldexp(value, -int(np.frexp(np.abs(value).max())[1]))  # squares of any scale stay in range
    scaled = (value - value.mean()) / (value.std() or 1.0)
    return np.column_stack([np.bincount(item), np.bincount(item, scaled), np.bincount(item, scaled**2)])
