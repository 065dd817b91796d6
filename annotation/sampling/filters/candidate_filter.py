"""Candidate filter: drop outliers, near-duplicates and already labelled items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import NO_ROWS, top_k
from annotation.sampling.filters.outliers import SECOND_LOOK, out_of_scope
from annotation.sampling.pool import Pool
from inputs.duplicates import first_of_its_kind, near_distance

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]

CANDIDATES_PER_CHOICE = 10
MOST_CANDIDATES = 2000
CANDIDATE_SHARE = 0.25
LOOKS = 3


@dataclass(frozen=True)
class FilteredCandidates:
    """Rows that may be asked, in the order given, and outliers that were set aside."""

    rows: Rows
    set_aside: Rows


@dataclass(frozen=True)
class CandidateFilter:
    """Reference rows (a random sample of the pool, all labelled items) and the near-duplicate distance."""

    vectors: Vectors
    labelled: Vectors
    reference: Vectors
    near: float
    seed: int

    def apply(self, rows: Rows, taken: Rows = NO_ROWS) -> FilteredCandidates:
        """Drop outliers from `rows`, and near-duplicates of earlier rows, of `taken` rows and of labelled items."""
        alone = out_of_scope(self.vectors[rows], self.reference, seed=self.seed)
        scope = rows[~alone]
        known = np.vstack([self.labelled, self.vectors[taken]])
        return FilteredCandidates(
            scope[first_of_its_kind(self.vectors[scope], distance=self.near, others=known)], rows[alone]
        )

    def best(
        self,
        score: NDArray[np.floating],
        count: int,
        rng: np.random.Generator,
        taken: Rows = NO_ROWS,
        *,
        each: int = CANDIDATES_PER_CHOICE,
    ) -> FilteredCandidates:
        """The candidates of highest score (n,), `each` for each of `count` but at most a quarter of the pool
        (uncertain rows are few) and at least two for each; highest first.

        Looks further down the list, up to three times, while fewer than `count` pass the candidate_filter.
        """
        wanted = max(2 * count, min(each * count, MOST_CANDIDATES, int(CANDIDATE_SHARE * len(score))))
        for _ in range(LOOKS):
            kept = self.apply(top_k(score, wanted, rng), taken)
            if len(kept.rows) >= count or wanted >= len(score):
                break
            wanted = 3 * wanted
        return kept


def make_candidate_filter(pool: Pool, rng: np.random.Generator) -> CandidateFilter:
    """The candidate filter for one round over a checked pool."""
    labelled = pool.labelled_vectors if pool.labelled_vectors is not None else pool.vectors[:0]
    some = pool.vectors if len(pool) <= SECOND_LOOK else pool.vectors[rng.choice(len(pool), SECOND_LOOK, replace=False)]
    seed = int(rng.integers(2**31))
    return CandidateFilter(pool.vectors, labelled, np.vstack([some, labelled]), near_distance(some, seed=seed), seed)
