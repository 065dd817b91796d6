"""Near-duplicates, outliers, and leakage between splits, from one vector per row.

Similarity is the cosine of two vectors, 1 = the same direction, so vectors should be comparable to begin with: TF-IDF
of texts (`text_vectors`), pixels, embeddings, or standardised numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Vectors = Any  # (n, d) array or scipy sparse matrix

EXACT_ROWS = 20_000  # every pair is compared up to here; beyond, only rows that share a hash
REFERENCE_ROWS = 10_000
BLOCK = 500
TABLES = 40
MISSED = 0.01  # chance that all hash tables miss a pair that is exactly as similar as asked for
FAR_OUT = 3.0  # Tukey's outer fence, in interquartile ranges


class VectorsUndefined(ValueError):
    """These vectors cannot be compared; the message says why."""


@dataclass(frozen=True)
class Duplicates:
    """`pairs` (p, 2) rows with i < j, most similar first; `similarity` (p,) their cosine.

    `group` (n,): rows with the same number are linked by pairs; a number held once is a row without a duplicate.
    `empty` (n,): rows without content (zero vectors), which resemble nothing and are in no pair.
    """

    pairs: Ints
    similarity: Floats
    group: Ints
    empty: Bools


@dataclass(frozen=True)
class Outliers:
    """`score` (n,) in 0..1, low = far from everything; `flagged` (n,) beyond Tukey's outer fence, or empty."""

    score: Floats
    flagged: Bools


@dataclass(frozen=True)
class Leakage:
    """`pairs` (p, 2) of near-duplicates in different splits; `share` of each split's rows that are in such a pair."""

    pairs: Ints
    similarity: Floats
    share: dict[str, float]


def text_vectors(texts: Sequence[str]) -> sparse.csr_matrix:
    """TF-IDF (n, d) of runs of 3 to 5 characters inside words, which survive small edits; empty text gives zeros."""
    words = [" ".join(str(text).casefold().split()) for text in texts]
    if not any(word for word in words):
        raise VectorsUndefined("There is no text in any row.")
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(words)


def near_duplicates(vectors: Vectors, *, similarity: float = 0.9, seed: int = 0) -> Duplicates:
    """Pairs of the n rows of `vectors` (n, d) with cosine at least `similarity` (0 < s <= 1), and their groups.

    Exact up to EXACT_ROWS rows; beyond, candidates come from random-hyperplane hashes (Charikar 2002) that miss a pair
    at the threshold in at most 1 of 100 cases, and are then compared exactly.
    """
    if not 0 < similarity <= 1:
        raise VectorsUndefined(f"Similarity is more than 0 and at most 1, not {similarity}.")
    unit = _unit(vectors)
    empty = _empty(unit)
    blocks = _all_pairs(unit, similarity) if unit.shape[0] <= EXACT_ROWS else _hashed_pairs(unit, similarity, seed)
    found = list(blocks)
    pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *(pair for pair, _ in found)])
    closeness = np.concatenate([np.zeros(0), *(cosine for _, cosine in found)])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -closeness.round(9)))
    n = unit.shape[0]
    links = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(n, n))
    group = connected_components(links, directed=False)[1].astype(np.int64)
    return Duplicates(pairs[order], np.minimum(closeness[order], 1.0), group, empty)


def conflicting(found: Duplicates, labels: ArrayLike) -> Ints:
    """The pairs (c, 2) of near-duplicates whose labels (n,) differ: one of the two is wrong, or the guideline is."""
    given = np.asarray(labels)
    if given.shape != found.group.shape:
        raise VectorsUndefined(f"There are {found.group.size} rows but labels of shape {given.shape}.")
    return found.pairs[given[found.pairs[:, 0]] != given[found.pairs[:, 1]]]


def outliers(vectors: Vectors, *, neighbours: int = 10, seed: int = 0) -> Outliers:
    """Rows of `vectors` (n, d) far from their nearest neighbours, by mean cosine distance.

    Beyond REFERENCE_ROWS rows, neighbours are sought in a random sample of that size. Source of the score: Kuan and
    Mueller 2022 (as in cleanlab), scaled by the median distance.
    """
    unit = _unit(vectors)
    n = unit.shape[0]
    if n < 3 or neighbours < 1:
        raise VectorsUndefined(f"What lies far out shows from 3 rows and 1 neighbour up, not {n} and {neighbours}.")
    chosen = np.arange(n)
    if n > REFERENCE_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(n, REFERENCE_ROWS, replace=False))
    distance = _distance_to_nearest(unit, chosen, min(neighbours, chosen.size - 1))
    empty = _empty(unit)
    typical = distance[~empty] if (~empty).any() else distance
    low, middle, high = np.quantile(typical, [0.25, 0.5, 0.75])
    far = distance > high + FAR_OUT * max(high - low, 1e-9)
    return Outliers(np.where(empty, 0.0, np.exp(-distance / max(middle, 1e-9))), far | empty)


def leakage(vectors: Vectors, split: ArrayLike, *, similarity: float = 0.9, seed: int = 0) -> Leakage:
    """Near-duplicates among the rows of `vectors` (n, d) that lie in different splits; `split` (n,) names them."""
    parts = np.asarray(split).astype(str)
    found = near_duplicates(vectors, similarity=similarity, seed=seed)
    if parts.shape != found.group.shape:
        raise VectorsUndefined(f"There are {found.group.size} rows but splits of shape {parts.shape}.")
    across = parts[found.pairs[:, 0]] != parts[found.pairs[:, 1]]
    leaks = np.zeros(parts.size, dtype=bool)
    leaks[found.pairs[across].ravel()] = True
    share = {str(name): float(leaks[parts == name].mean()) for name in np.unique(parts)}
    return Leakage(found.pairs[across], found.similarity[across], share)


def _unit(vectors: Vectors) -> Vectors:
    try:
        found = vectors.tocsr() if sparse.issparse(vectors) else np.asarray(vectors)
        found = found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise VectorsUndefined("Vectors must be rows of numbers, all of one length.") from error
    if found.ndim != 2 or not found.shape[0] or not found.shape[1]:
        raise VectorsUndefined(f"Vectors must be (n, d) with rows and columns, not {found.shape}.")
    if not np.isfinite(found.data if sparse.issparse(found) else found).all():
        raise VectorsUndefined("Vectors hold NaN or infinity.")
    return normalize(found)


def _empty(unit: Vectors) -> Bools:
    squares = unit.multiply(unit) if sparse.issparse(unit) else unit**2
    return np.asarray(squares.sum(axis=1)).ravel() < 0.5


def _cosines(left: Vectors, right: Vectors) -> Floats:
    product = left @ right.T
    return product.toarray() if sparse.issparse(product) else product


def _all_pairs(unit: Vectors, similarity: float) -> Iterator[tuple[Ints, Floats]]:
    for start in range(0, unit.shape[0], BLOCK):
        cosine = _cosines(unit[start : start + BLOCK], unit[start:])
        i, j = np.nonzero(np.triu(cosine >= similarity - 1e-9, k=1))
        yield np.column_stack([i, j]) + start, cosine[i, j]


def _hashed_pairs(unit: Vectors, similarity: float, seed: int) -> Iterator[tuple[Ints, Floats]]:
    rng = np.random.default_rng(seed)
    bits = _bits(similarity)
    seen: Ints = np.zeros(0, dtype=np.int64)
    for _ in range(TABLES):
        side = np.asarray(unit @ rng.standard_normal((unit.shape[1], bits))) > 0
        candidates = _together(side @ (1 << np.arange(bits, dtype=np.int64)), unit.shape[0])
        fresh = np.setdiff1d(candidates, seen, assume_unique=True)
        seen = np.union1d(seen, fresh)
        i, j = fresh // unit.shape[0], fresh % unit.shape[0]
        for at in range(0, fresh.size, 100_000):
            one, other = unit[i[at : at + 100_000]], unit[j[at : at + 100_000]]
            product = one.multiply(other) if sparse.issparse(unit) else one * other
            cosine = np.asarray(product.sum(axis=1)).ravel()
            keep = cosine >= similarity - 1e-9
            yield np.column_stack([i[at : at + 100_000][keep], j[at : at + 100_000][keep]]), cosine[keep]


def _bits(similarity: float) -> int:
    """The most hyperplanes per table with which TABLES tables still miss no more than MISSED."""
    same_side = 1 - np.arccos(min(similarity, 1.0)) / np.pi
    wanted = 1 - MISSED ** (1 / TABLES)
    return int(np.clip(np.log(wanted) / np.log(min(same_side, 1 - 1e-12)), 1, 48))


def _together(bucket: Ints, n: int) -> Ints:
    """Pairs i * n + j, i < j, of rows in the same bucket."""
    order = np.argsort(bucket, kind="stable")
    ends = np.flatnonzero(np.diff(bucket[order], append=-1)) + 1
    found = []
    for rows in np.split(order, ends[:-1]):
        i, j = np.triu_indices(rows.size, k=1)
        found.append(np.minimum(rows[i], rows[j]) * n + np.maximum(rows[i], rows[j]))
    return np.unique(np.concatenate(found))


def _distance_to_nearest(unit: Vectors, chosen: Ints, neighbours: int) -> Floats:
    """Mean cosine distance (n,) to the nearest rows among `chosen`, a row itself left out."""
    reference, place = unit[chosen], np.full(unit.shape[0], -1)
    place[chosen] = np.arange(chosen.size)
    distance = np.empty(unit.shape[0])
    for start in range(0, unit.shape[0], BLOCK):
        near = 1 - _cosines(unit[start : start + BLOCK], reference)
        own = place[start : start + BLOCK]
        near[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
        distance[start : start + BLOCK] = np.partition(near, neighbours - 1, axis=1)[:, :neighbours].mean(axis=1)
    return np.maximum(distance, 0.0)
