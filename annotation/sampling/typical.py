"""A cold start: ask first about what there is most of, in the middle of each crowd.

Hacohen, Dekel and Weinshall, "Active Learning on a Budget" (TypiClust, 2022): at small budgets typical items teach
more than doubtful ones. As many clusters as items, known and asked; from the largest cluster without a label, the
item whose neighbours are nearest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]


def typical(vectors: Vectors, labelled: Vectors, count: int, *, seed: int) -> tuple[Rows, NDArray[np.intp]]:
    """`count` rows of `vectors` (n, d), most typical first, and the size of the crowd each stands for (count,)."""
    together = np.vstack([vectors, labelled]) if len(labelled) else vectors
    clusters = min(count + len(labelled), len(together))
    fitted = KMeans(clusters, n_init=1, random_state=seed).fit(together)
    labels, known = fitted.labels_[: len(vectors)], np.bincount(fitted.labels_[len(vectors) :], minlength=clusters)
    sizes = np.bincount(labels, minlength=clusters)
    order = np.lexsort((-sizes, known))
    rows = [_middle(vectors, np.flatnonzero(labels == cluster)) for cluster in order if sizes[cluster]][:count]
    chosen = np.array(rows, dtype=np.intp)
    return chosen, sizes[labels[chosen]]


def _middle(vectors: Vectors, members: Rows) -> int:
    gaps = np.linalg.norm(vectors[members] - vectors[members].mean(axis=0), axis=1)
    return int(members[np.argmin(gaps)])
