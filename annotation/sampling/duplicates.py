"""Near-duplicates among candidates: one question is enough for the lot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEAR = 0.05
"""Two rows are near-duplicates when they lie closer than this share of the usual distance between two rows."""

SAMPLED_PAIRS = 1000


def usual_distance(vectors: NDArray[np.floating], *, seed: int = 0) -> float:
    """The median Euclidean distance between two rows drawn at random from `vectors` (n, d); 0 for fewer than two."""
    if len(vectors) < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    first = rng.integers(len(vectors), size=SAMPLED_PAIRS)
    second = (first + rng.integers(1, len(vectors), size=SAMPLED_PAIRS)) % len(vectors)
    return float(np.median(np.linalg.norm(vectors[first] - vectors[second], axis=1)))


def first_of_its_kind(vectors: NDArray[np.floating], *, distance: float) -> NDArray[np.bool_]:
    """Which rows of `vectors` (n, d) to keep, so that no two kept rows lie within `distance`; earlier rows win.

    Returns (n,) bool, True = keep; the first row is always kept. Time and memory grow with n squared, so give it
    candidates (hundreds or a few thousand rows), not a pool. A distance of 0 drops exact repeats only.
    Raises ValueError for a negative distance.
    """
    if distance < 0:
        raise ValueError(f"A distance cannot be negative: {distance}.")
    keep = np.ones(len(vectors), dtype=bool)
    if len(vectors) < 2:
        return keep
    near = _near(np.asarray(vectors, dtype=np.float64), distance)
    for row in range(len(vectors)):
        if keep[row]:
            keep[row + 1 :] &= ~near[row, row + 1 :]
    return keep


def _near(vectors: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
    centred = vectors - vectors.mean(axis=0)  # keeps the squares small, so that their difference stays exact
    squares = np.einsum("ij,ij->i", centred, centred)
    gaps = squares[:, None] + squares[None, :] - 2 * centred @ centred.T
    rounding = 1e-12 * max(float(squares.max()), 1e-300)
    return gaps <= distance**2 + rounding
