"""Near-duplicates: one question is enough for the lot.

Two rows are near-copies when they lie closer than a small share of the usual distance between two rows. In one or two
dimensions rows lie close by chance, so there the share is cut to what would hold about a thousandth of the rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEAR = 0.05
HELD = 0.001
SAMPLED_PAIRS = 1000
BLOCK = 1000

Floats = NDArray[np.float64]


def usual_distance(vectors: NDArray[np.floating], *, seed: int = 0) -> float:
    """The median Euclidean distance between two rows drawn at random from `vectors` (n, d); 0 for fewer than two."""
    if len(vectors) < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    first = rng.integers(len(vectors), size=SAMPLED_PAIRS)
    second = (first + rng.integers(1, len(vectors), size=SAMPLED_PAIRS)) % len(vectors)
    return float(np.median(np.linalg.norm(vectors[first] - vectors[second], axis=1)))


def near_distance(vectors: NDArray[np.floating], *, seed: int = 0) -> float:
    """The distance, in the vectors' own units, up to which two rows of `vectors` (n, d) count as near-copies.

    5 % of the usual distance, or 0.001^(1/d) of it where that is less (d below 3; constant columns do not count).
    0 when most rows are equal or fewer than two are given: then only exact repeats are copies.
    """
    if len(vectors) < 2:
        return 0.0
    dimensions = int(np.count_nonzero(np.ptp(vectors[:BLOCK], axis=0) > 0))
    return usual_distance(vectors, seed=seed) * min(NEAR, float(HELD ** (1 / max(dimensions, 1))))


def first_of_its_kind(
    vectors: NDArray[np.floating], *, distance: float, others: NDArray[np.floating] | None = None
) -> NDArray[np.bool_]:
    """Which rows of `vectors` (n, d) to keep, so that no two kept rows lie within `distance`; earlier rows win.

    Nor does a kept row lie within `distance` of any of `others` (m, d), such as what is labelled already. Returns (n,)
    bool, True = keep. Time grows with n times (n + m), memory with n, so give it candidates (hundreds or a few thousand
    rows), not a pool. A distance of 0 drops exact repeats only. Raises ValueError for a negative or NaN distance.
    """
    if not distance >= 0:
        raise ValueError(f"A distance cannot be negative or NaN: {distance}.")
    rows = np.asarray(vectors, dtype=np.float64)
    kept = np.zeros((0, rows.shape[1])) if others is None else np.asarray(others, dtype=np.float64)
    keep = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        good = ~_touches(block, kept, distance)
        good[good] = _firsts(block[good], distance)
        keep[start : start + BLOCK] = good
        kept = np.vstack([kept, block[good]])
    return keep


def _firsts(block: Floats, distance: float) -> NDArray[np.bool_]:
    keep = np.ones(len(block), dtype=bool)
    near = _near(block, block, distance)
    for row in np.flatnonzero(np.triu(near, 1).any(axis=1)):
        if keep[row]:
            keep[row + 1 :] &= ~near[row, row + 1 :]
    return keep


def _touches(rows: Floats, others: Floats, distance: float) -> NDArray[np.bool_]:
    touched = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(others), BLOCK):
        touched |= _near(rows, others[start : start + BLOCK], distance).any(axis=1)
    return touched


def _near(a: Floats, b: Floats, distance: float) -> NDArray[np.bool_]:
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), dtype=bool)
    middle = a.mean(axis=0)  # keeps the squares small, so that their difference stays exact
    a, b = a - middle, b - middle
    one, other = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    gaps = one[:, None] + other[None, :] - 2 * a @ b.T
    rounding = 1e-12 * (one[:, None] + other[None, :])
    return np.asarray(gaps <= distance**2 + rounding)
