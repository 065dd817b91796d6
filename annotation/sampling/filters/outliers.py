"""Outliers: rows far from all others, left out of the active part and set aside as "out of scope?" for a person.

The model is uncertain about what it has never seen, so uncertainty sampling prefers outliers (Karamcheti et al.,
"Mind Your Outliers!", 2021). A row's distance to its nearest neighbours in a sample of the pool is compared with the
same distance of the sample's own rows; only what lies far outside their spread is set aside. What looks alone in the
sample is looked at again among many more rows, so that a small group of its own (a rare class) is not set aside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import squared_distances

NEIGHBOURS = 5
SAMPLE = 1000
SECOND_LOOK = 20_000
BLOCK = 256
SPREADS = 6.0
"""How many robust standard deviations above the median is too far: no row in a thousand of normal data."""

LEAST_ROWS = 30

Vectors = NDArray[np.float32]


def out_of_scope(
    vectors: NDArray[np.floating], reference: NDArray[np.floating], *, seed: int, spreads: float = SPREADS
) -> NDArray[np.bool_]:
    """Which rows of `vectors` (m, d) lie far from everything in `reference` (n, d): (m,) bool, True = set aside.

    A row counts as far when its mean distance to its 5 nearest reference rows (the row itself, if the reference holds
    it, left out by one more neighbour) exceeds the reference's median by more than `spreads` robust standard deviations
    (1.4826 MAD, at least a tenth of the median), among 1,000 random reference rows and again among 20,000. A reference
    under 30 rows, or without spread, is too little to judge by: nobody is set aside. Time is linear in m. Raises
    ValueError for NaN.
    """
    rows, others = np.asarray(vectors, dtype=np.float32), np.asarray(reference, dtype=np.float32)
    if not (np.isfinite(rows).all() and np.isfinite(others).all()):
        raise ValueError("Vectors must be finite to be compared with outliers.")
    far = np.zeros(len(rows), dtype=bool)
    if len(others) < LEAST_ROWS or not len(rows):
        return far
    shuffled = np.random.default_rng(seed).permutation(len(others))[:SECOND_LOOK]
    sample = others[shuffled[:SAMPLE]]
    limit = _limit(_loneliness(sample, sample), spreads)
    if limit > 0:
        far = _loneliness(rows, sample) > limit
        if len(shuffled) > SAMPLE and far.any():
            far[far] = _loneliness(rows[far], others[shuffled]) > limit
    return far


def _limit(usual: NDArray[np.float64], spreads: float) -> float:
    middle = float(np.median(usual))
    return middle + spreads * max(1.4826 * float(np.median(np.abs(usual - middle))), 0.1 * middle)


def _loneliness(rows: Vectors, sample: Vectors) -> NDArray[np.float64]:
    """(m,) mean distance to the nearest sample rows, the nearest of all left out (the row itself). High = alone."""
    blocks = [_alone(rows[start : start + BLOCK], sample) for start in range(0, len(rows), BLOCK)]
    return np.concatenate(blocks)


def _alone(rows: Vectors, sample: Vectors) -> NDArray[np.float64]:
    gaps = squared_distances(rows, sample)
    nearest = np.sqrt(np.partition(gaps, NEIGHBOURS, axis=1)[:, : NEIGHBOURS + 1])
    nearest.sort(axis=1)
    return np.asarray(nearest[:, 1:].mean(axis=1), dtype=np.float64)
