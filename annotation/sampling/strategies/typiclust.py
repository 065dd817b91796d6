"""TypiClust: the most typical item of each of the largest clusters that have no label yet.

Hacohen, Dekel and Weinshall, "Active Learning on a Budget" (TypiClust, 2022): at small budgets typical items are worth
more than uncertain ones. As many clusters as items, labelled and requested; from the largest cluster without a label,
the item nearest its middle.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]

MOST_STARTS = 5
MOST_CENTRES = 80
"""Up to five starts of k-means, the one of least inertia kept, as long as together they have few centres."""

MOST_STEPS = 30
"""Steps of k-means: clusters are found long before the last row has settled."""


def typiclust(vectors: Vectors, labelled: Vectors, count: int, *, seed: int) -> tuple[Rows, NDArray[np.intp]]:
    """`count` rows of `vectors` (n, d), most typical first, and the size of the cluster each represents (count,).

    `labelled` (l, d) are items that have a label: their clusters come last. Fewer rows come back where fewer differ.
    Time grows with n (l + count), so give it some thousand rows of a large pool.
    """
    together = np.vstack([vectors, labelled]) if len(labelled) else vectors
    clusters = min(count + len(labelled), len(together))
    starts = int(np.clip(MOST_CENTRES // clusters, 1, MOST_STARTS))
    with warnings.catch_warnings():  # equal rows give fewer clusters than asked for, which the answer says
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(clusters, n_init=starts, max_iter=MOST_STEPS, random_state=seed).fit(together)
    labels, known = fitted.labels_[: len(vectors)], np.bincount(fitted.labels_[len(vectors) :], minlength=clusters)
    sizes = np.bincount(labels, minlength=clusters)
    order = np.lexsort((-sizes, known))
    rows = [_middle(vectors, np.flatnonzero(labels == cluster)) for cluster in order if sizes[cluster]][:count]
    chosen = np.array(rows, dtype=np.intp)
    return chosen, sizes[labels[chosen]]


def _middle(vectors: Vectors, members: Rows) -> int:
    gaps = np.linalg.norm(vectors[members] - vectors[members].mean(axis=0), axis=1)
    return int(members[np.argmin(gaps)])
