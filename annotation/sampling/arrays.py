"""Array helpers that strategies and filters share: row indices, top k, squared distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]
NO_ROWS: Rows = np.zeros(0, dtype=np.intp)


def top_k(score: NDArray[np.floating], count: int, rng: np.random.Generator) -> Rows:
    """The `count` rows of highest score (n,), highest first, ties in random order, in O(n)."""
    count = min(count, len(score))
    jitter = rng.random(len(score))
    if count < len(score):
        cut = np.partition(score, len(score) - count)[len(score) - count]
        sure = np.flatnonzero(score > cut)
        ties = rng.permutation(np.flatnonzero(score == cut))[: count - len(sure)]
        rows = np.concatenate([sure, ties])
    else:
        rows = np.arange(len(score))
    return rows[np.lexsort((jitter[rows], -score[rows]))]


def squared_distances(a: Vectors, b: Vectors) -> Vectors:
    """(m, d) and (n, d) -> (m, n) squared Euclidean distances, never below 0."""
    middle = b.mean(axis=0) if len(b) else np.float32(0)  # centred, so that float32 loses nothing to a far origin
    a, b = a - middle, b - middle
    gaps = a @ b.T
    gaps *= -2
    gaps += np.einsum("ij,ij->i", a, a)[:, None]
    gaps += np.einsum("ij,ij->i", b, b)[None, :]
    result: Vectors = np.maximum(gaps, 0, out=gaps)
    return result
