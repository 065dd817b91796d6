"""Cold start: items with signals first, then representative items.

Signals (an override, a chargeback) are the one sign of where the model is wrong before there are labels, so up to a
quarter of the round follows them. The rest are typical items: one cluster for each label, present and requested. Where
fewer are asked than there are classes a cluster's middle would mix classes, and where there are hundreds of clusters
k-means is slow; there uncertainty herding finds the densest regions instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import top_k
from annotation.sampling.filters.candidate_filter import CANDIDATES_PER_CHOICE, CandidateFilter
from annotation.sampling.pool import Pool
from annotation.sampling.strategies.batch import EMPTY_BATCH, Batch
from annotation.sampling.strategies.typiclust import typiclust
from annotation.sampling.strategies.uncertainty_coverage import REFERENCE_SAMPLE, cover_uncertainty

Rows = NDArray[np.intp]

SIGNAL_SHARE = 0.25
MOST_CLUSTERS = 500
CLUSTERED = 5000
PASSES = 4


def cold_start(
    pool: Pool, count: int, candidate_filter: CandidateFilter, rng: np.random.Generator, taken: Rows
) -> Batch:
    """`count` rows of a checked pool, those with signals and then typical ones, none like a `taken` row."""
    chosen = _signalled(pool, int(np.ceil(SIGNAL_SHARE * count)), candidate_filter, rng, taken)
    for _ in range(PASSES):  # the filter may drop near-duplicates; the next pass fills their places
        missing = count - len(chosen.index)
        if missing < 1:
            break
        chosen = chosen + _typical_items(pool, missing, candidate_filter, rng, np.concatenate([taken, chosen.index]))
    return chosen


def _signalled(
    pool: Pool, places: int, candidate_filter: CandidateFilter, rng: np.random.Generator, taken: Rows
) -> Batch:
    if pool.signals is None or not pool.signals.any() or places < 1:
        return EMPTY_BATCH
    ranked = top_k(pool.signals, CANDIDATES_PER_CHOICE * places, rng)
    kept = candidate_filter.apply(ranked[pool.signals[ranked] > 0], taken)
    rows = kept.rows[:places]
    reasons = tuple(f"it has signals, strength {pool.signals[row]:.2f}" for row in rows)
    numbers = tuple({"signal": float(pool.signals[row])} for row in rows)
    return Batch(rows, ("signal",) * len(rows), reasons, numbers, kept.set_aside)


def _typical_items(
    pool: Pool, count: int, candidate_filter: CandidateFilter, rng: np.random.Generator, taken: Rows
) -> Batch:
    known = np.vstack([candidate_filter.labelled, pool.vectors[taken]])
    if count < len(pool.classes) or count + len(known) > MOST_CLUSTERS:
        drawn = _some(len(pool), REFERENCE_SAMPLE, taken, rng)
        found = cover_uncertainty(pool.vectors[drawn], pool.vectors[drawn], known, count)
        picked, sizes, of = drawn[found.order], found.similar, found.reference
    else:
        drawn = _some(len(pool), max(CLUSTERED, 2 * count), taken, rng)
        if not len(drawn):
            return EMPTY_BATCH
        rows, sizes = typiclust(pool.vectors[drawn], known, count, seed=int(rng.integers(2**31)))
        picked, of = drawn[rows], len(drawn)
    kept = candidate_filter.apply(picked, taken)
    size_of = dict(zip(picked.tolist(), sizes.tolist(), strict=True))
    scale = len(pool) / max(of, 1)  # clusters were counted in a sample
    similar = [max(1, round(size_of[int(row)] * scale)) for row in kept.rows]
    about = "about " if scale > 1 else ""
    reasons = tuple(f"typical of {about}{size:,} similar {'item' if size == 1 else 'items'}" for size in similar)
    arms = ("typical",) * len(similar)
    return Batch(kept.rows, arms, reasons, tuple({"similar": size} for size in similar), kept.set_aside)


def _some(n: int, most: int, taken: Rows, rng: np.random.Generator) -> Rows:
    """At most `most` random rows of n without the taken ones, in random order."""
    free = np.ones(n, dtype=bool)
    free[taken] = False
    return rng.permutation(np.flatnonzero(free))[:most] if len(taken) else rng.permutation(n)[:most]
