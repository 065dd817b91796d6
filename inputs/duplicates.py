"""Near-duplicate search: which rows of vectors lie close enough to count as copies of one another.

Rows are hashed so that close ones share a bucket with near certainty, then the rows of a bucket are compared: p-stable
hashing (Datar, Immorlica, Indyk and Mirrokni 2004). Links are transitive: what is close to a copy of a row counts as a
copy of the row. Texts have their own hashes (`shingles`) and the same search (`linked`).
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAR = 0.05  # of the usual distance
HELD = 0.001
SAMPLED_PAIRS = 1000
BLOCK = 1000

BY_CHANCE = 0.01  # rows that lie near a row by chance
MISSED = 0.01  # chance that all hash tables miss a pair that is exactly as far apart as asked for
PROJECTIONS = 6  # of one hash table
BUCKET = 4.0  # width of a bucket, in distances asked for
LEADERS = 8  # rows of one bucket that the others are compared with
HALVINGS = 6
PROBED, AGAINST = 500, 20_000  # rows whose distances show whether closeness comes by chance

Close = Callable[[Ints, Ints], Bools]  # whether the rows i (p,) and j (p,) are copies, as (p,)


def usual_distance(vectors: NDArray[np.floating], *, seed: int = 0) -> float:
    """The median Euclidean distance between two rows drawn at random from `vectors` (n, d); 0 for fewer than two."""
    if len(vectors) < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    first = rng.integers(len(vectors), size=SAMPLED_PAIRS)
    second = (first + rng.integers(1, len(vectors), size=SAMPLED_PAIRS)) % len(vectors)
    return float(np.median(np.linalg.norm(vectors[first] - vectors[second], axis=1)))


def near_distance(vectors: NDArray[np.floating], *, held: float = HELD, seed: int = 0) -> float:
    """The distance, in the vectors' own units, up to which two rows of `vectors` (n, d) count as near-copies.

    5 % of the usual distance, or held^(1/d) of it where that is less: in few dimensions rows lie close by chance, and
    a ball of that radius holds about the share `held` of the rows (constant columns do not count as dimensions).
    0 when most rows are equal or fewer than two are given: then only exact repeats are copies.
    """
    if len(vectors) < 2:
        return 0.0
    dimensions = int(np.count_nonzero(np.ptp(vectors[:BLOCK], axis=0) > 0))
    return usual_distance(vectors, seed=seed) * min(NEAR, float(held ** (1 / max(dimensions, 1))))


def first_of_its_kind(
    vectors: NDArray[np.floating], *, distance: float, others: NDArray[np.floating] | None = None
) -> Bools:
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


def near_copies(vectors: NDArray[np.floating], *, most: float = np.inf, seed: int = 0) -> Ints:
    """Group numbers (n,) of the rows of `vectors` (n, d): near-copies share one.

    Two rows are near-copies when they lie within 5 % of the usual distance (never more than `most`), where that tells
    copies from rows that are close by chance: doubling the distance must not link many more rows. Where it does, the
    distance is halved, and in the end only equal rows are linked.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float64)
    codes = _equal_rows(rows)
    distinct = rows[np.unique(codes, return_index=True)[1]]
    del rows, vectors  # of a million rows they would be held beside their copy
    distance = min(most, near_distance(distinct, held=BY_CHANCE / max(len(distinct), 1), seed=seed))
    distance = _without_chance(distinct, distance, seed)
    if distance == 0 or len(distinct) < 2:
        return codes

    def close(i: Ints, j: Ints) -> Bools:
        return np.asarray(np.linalg.norm(distinct[i] - distinct[j], axis=1) <= distance)

    return linked(len(distinct), _buckets(distinct, distance, seed), close)[codes]


def linked(n: int, tables: Iterator[Ints], close: Close) -> Ints:
    """Group numbers (n,) of n rows: linked are the rows of one bucket of one table that `close` confirms.

    tables: bucket numbers (n,) each, negative for rows that are in no bucket. In a bucket each row is compared with a
    few leaders, not with every other: time grows with n, not with the squares of the buckets.
    """
    group = np.arange(n)
    for bucket in tables:
        pairs = list(_confirmed(bucket, group, close))
        i, j = (np.concatenate([np.zeros(0, dtype=np.int64), *side]) for side in zip(*pairs, strict=True))
        links = sparse.coo_matrix((np.ones(i.size), (group[i], group[j])), shape=(n, n))
        group = connected_components(links, directed=False)[1].astype(np.int64)[group]
    return group


def _confirmed(bucket: Ints, group: Ints, close: Close) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of rows in one bucket that are copies and not known to be yet."""
    rows = np.flatnonzero(bucket >= 0)
    for _ in range(LEADERS):
        i, j = rows[_leaders(bucket[rows])], rows
        fresh = group[i] != group[j]
        i, j = i[fresh], j[fresh]
        same = close(i, j) if i.size else np.zeros(0, dtype=bool)
        yield i[same], j[same]
        rows = j[~same]


def _leaders(bucket: Ints) -> Ints:
    """The place (m,) of the first row of each row's bucket."""
    _, first, own = np.unique(bucket, return_index=True, return_inverse=True)
    return np.asarray(first[own], dtype=np.int64)


def _equal_rows(rows: Floats) -> Ints:
    """Numbers (n,) of equal rows, by a 64-bit hash of each."""
    bits = np.ascontiguousarray(rows + 0.0).view(np.uint64)  # + 0.0: minus zero is zero
    code = np.zeros(len(rows), dtype=np.uint64)
    for column in range(bits.shape[1]):
        code = mixed(code ^ bits[:, column])
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.int64)


def _without_chance(rows: Floats, distance: float, seed: int) -> float:
    """The distance, halved until doubling it would not bring many more rows close; 0 when that never holds."""
    if len(rows) < 3 or distance <= 0:
        return distance
    rng = np.random.default_rng(seed)
    probed = rng.choice(len(rows), min(PROBED, len(rows)), replace=False)
    against = rng.choice(len(rows), min(AGAINST, len(rows)), replace=False)
    gaps = _squares(rows[probed], rows[against])
    gaps[probed[:, None] == against[None, :]] = np.inf
    for _ in range(HALVINGS):
        near, wide = (int(np.count_nonzero(gaps <= (part * distance) ** 2)) for part in (1, 2))
        if wide - near <= max(2, near // 2):
            return distance
        distance /= 2
    return 0.0


def _buckets(rows: Floats, distance: float, seed: int) -> Iterator[Ints]:
    """Bucket numbers (n,) of each hash table: rows rounded along random directions."""
    rng = np.random.default_rng(seed)
    width = BUCKET * distance
    kept = stats.norm.cdf(BUCKET) - stats.norm.cdf(-BUCKET)
    kept -= 2 / (np.sqrt(2 * np.pi) * BUCKET) * (1 - np.exp(-(BUCKET**2) / 2))
    tables = int(np.ceil(np.log(MISSED) / np.log(1 - kept**PROJECTIONS)))
    for _ in range(tables):
        directions = rng.standard_normal((rows.shape[1], PROJECTIONS))
        along = rows @ directions
        along /= width
        along += rng.random(PROJECTIONS)
        yield _equal_rows(np.floor(along, out=along))


def mixed(code: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of 64-bit numbers: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        code = (code + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        code = (code ^ (code >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        code = (code ^ (code >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return code ^ (code >> np.uint64(31))


def _firsts(block: Floats, distance: float) -> Bools:
    keep = np.ones(len(block), dtype=bool)
    near = _near(block, block, distance)
    for row in np.flatnonzero(np.triu(near, 1).any(axis=1)):
        if keep[row]:
            keep[row + 1 :] &= ~near[row, row + 1 :]
    return keep


def _touches(rows: Floats, others: Floats, distance: float) -> Bools:
    touched = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(others), BLOCK):
        touched |= _near(rows, others[start : start + BLOCK], distance).any(axis=1)
    return touched


def _near(a: Floats, b: Floats, distance: float) -> Bools:
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), dtype=bool)
    middle = a.mean(axis=0)  # keeps the squares small, so that their difference stays exact
    a, b = a - middle, b - middle
    rounding = 1e-12 * (np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :])
    return np.asarray(_squares(a, b) <= distance**2 + rounding)


def _squares(a: Floats, b: Floats) -> Floats:
    """Squared distances (n, m) of the rows of a (n, d) and b (m, d)."""
    one, other = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    found = one[:, None] + other[None, :]
    found -= 2 * a @ b.T
    return np.asarray(found)
