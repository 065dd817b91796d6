"""Diverse uncertainty sampling by weighted k-means."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

Rows = NDArray[np.intp]


def kmeans_representatives(
    vectors: NDArray[np.float32], weight: NDArray[np.floating], count: int, *, seed: int
) -> Rows:
    """`count` of the rows of `vectors` (n, d), one for each cluster of a weighted k-means, nearest its centre.

    `weight` (n,) >= 0, high = pulls centres harder. Answer: distinct rows, the heaviest cluster first; fewer than
    `count` where fewer differ. Zhdanov, "Diverse mini-batch active learning" (2019).
    """
    if count >= len(vectors):
        return np.argsort(-weight, kind="stable")
    with warnings.catch_warnings():  # equal rows give fewer clusters than asked for, which the answer says
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(count, n_init=1, random_state=seed).fit(vectors, sample_weight=np.maximum(weight, 1e-6))
    gap = np.linalg.norm(vectors - fitted.cluster_centers_[fitted.labels_], axis=1)
    order = np.lexsort((gap, fitted.labels_))
    first = order[np.unique(fitted.labels_[order], return_index=True)[1]]
    mass = np.bincount(fitted.labels_, weights=weight, minlength=count)[fitted.labels_[first]]
    return first[np.argsort(-mass, kind="stable")]
