"""Near-duplicates, outliers, and leakage between splits, from one vector per row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = Any  # (n, d) array or scipy sparse matrix


class VectorsUndefined(ValueError):
    """These vectors cannot be compared; the message says why."""


@dataclass(frozen=True)
class Duplicates:
    """`pairs` (p, 2) rows with i < j, `similarity` (p,) cosine, `group` (n,) number of each row's group."""

    pairs: Ints
    similarity: Floats
    group: Ints


@dataclass(frozen=True)
class Outliers:
    """`score` (n,) in 0..1, low = far from everything; `flagged` (n,) bool."""

    score: Floats
    flagged: NDArray[np.bool_]


@dataclass(frozen=True)
class Leakage:
    """`pairs` (p, 2) near-duplicate rows whose splits differ; `share` of the rows of each split that leak."""

    pairs: Ints
    similarity: Floats
    share: dict[str, float]


def near_duplicates(vectors: Vectors, *, similarity: float = 0.95) -> Duplicates:
    """Pairs of rows with cosine similarity of at least `similarity`, and the groups that they form."""
    unit = _unit(vectors)
    finder = NearestNeighbors(metric="cosine", algorithm="brute", n_jobs=1).fit(unit)
    near = finder.radius_neighbors_graph(unit, radius=1 - similarity + 1e-9, mode="connectivity").tocoo()
    keep = near.row < near.col
    pairs = np.column_stack([near.row[keep], near.col[keep]]).astype(np.int64)
    _, group = connected_components(near, directed=False)
    closeness = np.array([float((unit[i] * unit[j]).sum()) for i, j in pairs])
    return Duplicates(pairs, closeness, group.astype(np.int64))


def outliers(vectors: Vectors, *, neighbours: int = 10) -> Outliers:
    """Rows far from their nearest neighbours, as cosine distance."""
    unit = _unit(vectors)
    finder = NearestNeighbors(n_neighbors=min(neighbours + 1, unit.shape[0]), metric="cosine", n_jobs=1).fit(unit)
    distance = finder.kneighbors(unit)[0][:, 1:].mean(axis=1)
    score = np.exp(-distance / max(float(np.median(distance)), 1e-12))
    limit = np.quantile(distance, 0.75) + 3 * (np.quantile(distance, 0.75) - np.quantile(distance, 0.25))
    return Outliers(score, distance > limit)


def leakage(vectors: Vectors, split: ArrayLike, *, similarity: float = 0.95) -> Leakage:
    """Near-duplicates that lie in different splits."""
    parts = np.asarray(split).astype(str)
    found = near_duplicates(vectors, similarity=similarity)
    across = parts[found.pairs[:, 0]] != parts[found.pairs[:, 1]]
    rows = np.unique(found.pairs[across])
    share = {str(name): float(np.isin(np.flatnonzero(parts == name), rows).mean()) for name in np.unique(parts)}
    return Leakage(found.pairs[across], found.similarity[across], share)


def _unit(vectors: Vectors) -> Vectors:
    found = vectors.tocsr() if sparse.issparse(vectors) else np.asarray(vectors, dtype=np.float64)
    if found.ndim != 2:
        raise VectorsUndefined(f"Vectors must be (n, d), not {found.shape}.")
    if not np.isfinite(found.data if sparse.issparse(found) else found).all():
        raise VectorsUndefined("Vectors hold NaN or infinity.")
    return normalize(found)
