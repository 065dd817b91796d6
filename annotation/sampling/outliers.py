"""Rows unlike anything else: asked last, and set aside as "out of scope?" for a person to confirm.

The model doubts what it has never seen the like of, so uncertainty sampling runs after garbage (Karamcheti et al.,
"Mind Your Outliers!", 2021). A row's distance to its nearest neighbours in a sample of the pool is compared with the
same distance of the sample's own rows; only what lies far outside their spread is set aside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5
SAMPLE = 1000
SPREADS = 6.0
"""How many robust standard deviations above the median is too far: no row in a thousand of a normal crowd."""

LEAST_CROWD = 30


def out_of_scope(
    vectors: NDArray[np.floating], crowd: NDArray[np.floating], *, seed: int, spreads: float = SPREADS
) -> NDArray[np.bool_]:
    """Which rows of `vectors` (m, d) lie far from everything in `crowd` (n, d): (m,) bool, True = set aside.

    A row counts as far when its mean distance to its 5 nearest crowd rows (a row itself, if the crowd holds it, left
    out by one more neighbour) exceeds the crowd's median by more than `spreads` robust standard deviations (1.4826
    MAD, at least a tenth of the median). A crowd under 30 rows, or without spread, is too little to judge by: nobody
    is set aside. The crowd is cut to 1,000 random rows, so the time is linear in m. Raises ValueError for NaN.
    """
    rows, others = np.asarray(vectors, dtype=np.float32), np.asarray(crowd, dtype=np.float32)
    if not (np.isfinite(rows).all() and np.isfinite(others).all()):
        raise ValueError("Vectors must be finite to be told apart from outliers.")
    if len(others) < LEAST_CROWD or not len(rows):
        return np.zeros(len(rows), dtype=bool)
    rng = np.random.default_rng(seed)
    sample = others[rng.permutation(len(others))[:SAMPLE]]
    usual = _loneliness(sample, sample)
    middle = float(np.median(usual))
    spread = max(1.4826 * float(np.median(np.abs(usual - middle))), 0.1 * middle)
    return (
        np.asarray(_loneliness(rows, sample) > middle + spreads * spread)
        if spread > 0
        else np.zeros(len(rows), dtype=bool)
    )


def _loneliness(rows: NDArray[np.float32], sample: NDArray[np.float32]) -> NDArray[np.float64]:
    """(m,) mean distance to the nearest sample rows, a copy of the row itself left out. High = alone."""
    middle = sample.mean(axis=0)
    a, b = rows - middle, sample - middle
    gaps = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :] - 2 * a @ b.T
    nearest = np.sqrt(np.maximum(np.partition(gaps, NEIGHBOURS, axis=1)[:, : NEIGHBOURS + 1], 0.0))
    nearest.sort(axis=1)
    return np.asarray(nearest[:, 1:].mean(axis=1), dtype=np.float64)
