"""The rare-class quota: a share of each round for the classes that the labels are short of.

Uncertainty alone finds a rare class late: the model gives it little probability anywhere (Attenberg and
Provost, "Why label when you can search?", 2010, search guided by the minority's probability instead).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotation.sampling.arrays import top_k
from validation.probabilities import check_probabilities

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]

QUOTA = 0.2
"""The share of a round's active part that goes to rare classes, where there are any."""

SHORT = 0.25
ROWS_PER_PLACE = 4


@dataclass(frozen=True)
class RareClass:
    """A class that labels are short of.

    code    its column in the probabilities
    labels  how many labels it has
    share   the share of the pool that the model expects of it, 0 to 1; low = rare
    """

    code: int
    labels: int
    share: float


def rare_class_quota(count: int) -> int:
    """How many of `count` active items a round keeps for rare classes: a fifth, rounded, at least one of two or more.

    Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"A round cannot ask {count} items.")
    return 0 if count < 2 else max(1, int(QUOTA * count + 0.5))


def rare_classes(probabilities: ArrayLike, targets: ArrayLike) -> tuple[RareClass, ...]:
    """The classes that labels are short of, fewest labels first, from probabilities (n, k) and label codes (l,).

    An even share is 1/k. A class is rare when it holds less than a quarter of an even share of the labels; or when the
    model expects less than a quarter of an even share of it and it holds less than half an even share of the labels
    (or nothing is labelled). A class that the model gives nothing anywhere is left out: no score leads to it.

    Raises `InvalidProbabilities`, or ValueError for codes outside 0..k-1. One class only: it cannot be rare, so ().
    """
    p, codes = check_probabilities(probabilities), np.asarray(targets)
    k = p.shape[1]
    if codes.ndim != 1 or (codes.size and not np.issubdtype(codes.dtype, np.integer)):
        raise ValueError(f"Label codes must be one whole number each; got {codes.dtype} of shape {codes.shape}.")
    codes = codes.astype(np.intp)
    if codes.size and (codes.min() < 0 or codes.max() >= k):
        raise ValueError(f"Label codes must lie from 0 to {k - 1}.")
    if k < 2 or not len(p):
        return ()
    labels, share, even = np.bincount(codes, minlength=k), p.mean(axis=0), len(codes) / k
    short = labels < SHORT * even
    scarce = (share < SHORT / k) & (labels <= even / 2)
    found = [RareClass(int(c), int(labels[c]), float(share[c])) for c in np.flatnonzero((short | scarce) & (share > 0))]
    return tuple(sorted(found, key=lambda one: (one.labels, one.share)))


def most_likely(
    probabilities: Floats, classes: tuple[RareClass, ...], places: int, rng: np.random.Generator
) -> tuple[Rows, NDArray[np.intp]]:
    """Rows (m,) of `probabilities` (n, k) most likely of each class in turn, best first, and the class of each (m,).

    Four rows for each of the `places`, so that some may be dropped; no row twice, and none without classes.
    """
    each = max(1, -(-ROWS_PER_PLACE * places // max(len(classes), 1)))
    columns = [top_k(probabilities[:, one.code], each, rng) for one in classes]
    depth = min(each, len(probabilities))
    rows = np.array([column[rank] for rank in range(depth) for column in columns], dtype=np.intp)
    codes = np.array([one.code for _ in range(depth) for one in classes], dtype=np.intp)
    first = np.sort(np.unique(rows, return_index=True)[1])
    kept = first[probabilities[rows[first], codes[first]] > 0]
    return rows[kept], codes[kept]
