"""Uncertainty herding: greedily maximise uncertainty-weighted kernel coverage.

Bae, Noh and Sutherland, "Generalized Coverage for More Robust Low-Budget Active Learning" (MaxHerding, 2024), and Bae,
Oh, Noh and Sutherland, "Uncertainty Herding: One Active Learning Method for All Label Budgets" (2025). Each label,
present or requested, covers the items around it by a Gaussian kernel; the next item is the one that adds most coverage,
items weighted by the model's uncertainty. Without a model all items weigh the same, so the first round asks for
representative items; as the model learns, the same rule becomes diverse uncertainty sampling.

The kernel's width follows the labels: it is the distance at which each label, present or requested, would
cover an equal part of the pool, so it shrinks by itself as labels come in, on any scale of the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import squared_distances

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]

REFERENCE_SAMPLE = 2000
"""Size of the random sample of the pool to be covered; it bounds the cost of a round for pools of any size."""

WIDTH_ROWS = 300
NEGLIGIBLE_WEIGHT = 1e-4
EVALUATED = 32


@dataclass(frozen=True)
class UncertaintyCoverage:
    """Candidates in the order chosen, with the number of reference rows nearest to each."""

    order: Rows
    similar: NDArray[np.intp]
    reference: int


def cover_uncertainty(
    candidates: Vectors,
    reference: Vectors,
    labelled: Vectors,
    count: int,
    *,
    weight: NDArray[np.floating] | None = None,
) -> UncertaintyCoverage:
    """Choose `count` of the candidates (c, d) to cover the reference sample (s, d), given labels at `labelled` (l, d).

    `weight` (s,) >= 0 weights each reference row, high = cover first; None weighs all equally. Deterministic.
    Time and memory grow with c times s. No candidate is chosen twice; at most c are chosen.
    """
    count = min(count, len(candidates))
    width = kernel_width(reference, count + len(labelled))
    wanted = np.ones(len(reference), dtype=np.float32) if weight is None else np.asarray(weight, dtype=np.float32)
    heavy = wanted > NEGLIGIBLE_WEIGHT * wanted.max(initial=0.0)
    if not heavy.any():  # all weights are 0, so all rows weigh the same
        wanted, heavy = np.ones_like(wanted), np.ones(len(reference), dtype=bool)
    covered = _covered(reference[heavy], labelled, width)
    return _greedy(_kernel(candidates, reference[heavy], width), covered, wanted[heavy], count, len(reference))


def kernel_width(reference: Vectors, labels: int) -> float:
    """The squared distance within which each of `labels` labels would cover an equal part of the reference (s, d):
    the median over reference rows of the squared distance to their (s / labels)-th nearest row. High = wide kernels."""
    rank = int(np.clip(len(reference) // max(labels, 1), 1, max(len(reference) - 1, 1)))
    if rank >= len(reference):
        return 1.0
    gaps = np.partition(squared_distances(reference[:WIDTH_ROWS], reference), rank, axis=1)[:, rank]
    width = float(np.median(gaps))
    return width if width > 0 else max(float(gaps.mean()), 1e-12)


def _kernel(a: Vectors, b: Vectors, width: float) -> Vectors:
    gaps = squared_distances(a, b)
    gaps *= np.float32(-1 / width)
    return np.asarray(np.exp(gaps, out=gaps))


def _covered(reference: Vectors, labelled: Vectors, width: float) -> Vectors:
    """(s,) coverage by the nearest label of each reference row, 0 to 1, in blocks that keep memory small."""
    covered = np.zeros(len(reference), dtype=np.float32)
    for start in range(0, len(labelled), REFERENCE_SAMPLE):
        np.maximum(
            covered, _kernel(reference, labelled[start : start + REFERENCE_SAMPLE], width).max(axis=1), out=covered
        )
    return covered


def _greedy(kernel: Vectors, covered: Vectors, wanted: Vectors, count: int, reference: int) -> UncertaintyCoverage:
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
    return UncertaintyCoverage(order, np.bincount(owner[owner >= 0], minlength=count), reference)


def _best(kernel: Vectors, covered: Vectors, wanted: Vectors, gains: Vectors, free: NDArray[np.bool_]) -> int:
    """The free candidate that adds most coverage. Gains only fall as coverage grows (submodular), so a candidate whose
    last known gain is below the best fresh one need not be evaluated again (Minoux's lazy greedy, 1978)."""
    gains[~free] = -np.inf
    looked_at = min(EVALUATED, len(gains))
    while True:
        top = np.argpartition(gains, -looked_at)[-looked_at:]
        top = top[free[top]]
        gains[top] = np.maximum(kernel[top] - covered, 0) @ wanted
        best = int(top[np.argmax(gains[top])])
        if gains[best] >= np.max(np.delete(gains, top), initial=-np.inf):
            return best
