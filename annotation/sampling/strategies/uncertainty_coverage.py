"""Ask where doubt is, and where no label is near yet: greedy cover of the pool's doubt by kernels.

Bae, Noh and Sutherland, "Generalized Coverage for More Robust Low-Budget Active Learning" (MaxHerding, 2024), and Bae,
Oh, Noh and Sutherland, "Uncertainty Herding: One Active Learning Method for All Label Budgets" (2025). Each label, had
or about to be asked, covers the items around it by a Gaussian kernel; the next item is the one that adds most cover,
each item counted by how much the model doubts it. With no model every item counts the same, so the first round asks
for what is typical of many items; as the model learns, the same rule turns into diverse uncertainty sampling.

The kernel's width follows the labels: it is the distance at which each of the labels had and asked would cover its
equal part of the pool, so it shrinks by itself as labels come in, on any scale of the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import squared_distances

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]

REFERENCE_SAMPLE = 2000
"""So many random pool rows stand for the pool, which keeps a round's cost the same from 2,000 rows to millions."""

WIDTH_ROWS = 300
FADED = 1e-4
LOOKED_AT = 32


@dataclass(frozen=True)
class UncertaintyCoverage:
    """Candidates in the order chosen, and for each how many of the crowd's rows are most like it."""

    order: Rows
    similar: NDArray[np.intp]
    crowd: int


def cover_uncertainty(
    candidates: Vectors,
    crowd: Vectors,
    labelled: Vectors,
    count: int,
    *,
    weight: NDArray[np.floating] | None = None,
) -> UncertaintyCoverage:
    """Choose `count` of the candidates (c, d) to cover the crowd (s, d), given the labelled (l, d); soonest first.

    `weight` (s,) >= 0 is how much each crowd row asks to be covered, high = more; None weighs all alike. Deterministic.
    Time and memory grow with c times s. No candidate is chosen twice; at most c are chosen.
    """
    count = min(count, len(candidates))
    width = kernel_width(crowd, count + len(labelled))
    wanted = np.ones(len(crowd), dtype=np.float32) if weight is None else np.asarray(weight, dtype=np.float32)
    heavy = wanted > FADED * wanted.max(initial=0.0)
    if not heavy.any():  # nothing asks to be covered, so everything asks alike
        wanted, heavy = np.ones_like(wanted), np.ones(len(crowd), dtype=bool)
    covered = _covered(crowd[heavy], labelled, width)
    return _greedy(_kernel(candidates, crowd[heavy], width), covered, wanted[heavy], count, len(crowd))


def kernel_width(crowd: Vectors, labels: int) -> float:
    """The squared distance within which each of `labels` labels would hold its equal part of the crowd (s, d): the
    median over crowd rows of the squared distance to their (s / labels)-th nearest row. High = labels speak far."""
    rank = int(np.clip(len(crowd) // max(labels, 1), 1, max(len(crowd) - 1, 1)))
    if rank >= len(crowd):
        return 1.0
    gaps = np.partition(squared_distances(crowd[:WIDTH_ROWS], crowd), rank, axis=1)[:, rank]
    width = float(np.median(gaps))
    return width if width > 0 else max(float(gaps.mean()), 1e-12)


def _kernel(a: Vectors, b: Vectors, width: float) -> Vectors:
    gaps = squared_distances(a, b)
    gaps *= np.float32(-1 / width)
    return np.asarray(np.exp(gaps, out=gaps))


def _covered(crowd: Vectors, labelled: Vectors, width: float) -> Vectors:
    """(s,) how well the nearest label covers each crowd row, 0 to 1, in blocks that keep memory small."""
    covered = np.zeros(len(crowd), dtype=np.float32)
    for start in range(0, len(labelled), REFERENCE_SAMPLE):
        np.maximum(covered, _kernel(crowd, labelled[start : start + REFERENCE_SAMPLE], width).max(axis=1), out=covered)
    return covered


def _greedy(kernel: Vectors, covered: Vectors, wanted: Vectors, count: int, crowd: int) -> UncertaintyCoverage:
    free = np.ones(len(kernel), dtype=bool)
    order = np.zeros(count, dtype=np.intp)
    owner, owned = np.full(len(covered), -1, dtype=np.intp), covered.copy()
    gains = np.maximum(kernel - covered, 0) @ wanted
    for step in range(count):
        best = _best(kernel, covered, wanted, gains, free)
        order[step], free[best] = best, False
        owner[kernel[best] > owned] = step
        np.maximum(owned, kernel[best], out=owned)
        np.maximum(covered, kernel[best], out=covered)
    return UncertaintyCoverage(order, np.bincount(owner[owner >= 0], minlength=count), crowd)


def _best(kernel: Vectors, covered: Vectors, wanted: Vectors, gains: Vectors, free: NDArray[np.bool_]) -> int:
    """The free candidate that adds most cover. Gains only fall as cover grows (submodular), so a candidate whose last
    known gain is below the best fresh one need not be looked at again (Minoux's lazy greedy, 1978)."""
    gains[~free] = -np.inf
    looked_at = min(LOOKED_AT, len(gains))
    while True:
        top = np.argpartition(gains, -looked_at)[-looked_at:]
        top = top[free[top]]
        gains[top] = np.maximum(kernel[top] - covered, 0) @ wanted
        best = int(top[np.argmax(gains[top])])
        if gains[best] >= np.max(np.delete(gains, top), initial=-np.inf):
            return best
