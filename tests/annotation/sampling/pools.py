"""Pools to try the sampling on: Gaussian classes with a plain model's probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import softmax

from annotation.sampling import Pool


def make_pool(
    n: int = 300, *, d: int = 6, k: int = 3, labels: int = 30, scored: bool = True, seed: int = 0, **more: Any
) -> Pool:
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(k, d))
    target = rng.integers(k, size=n + labels)
    vectors = centres[target] + rng.normal(size=(n + labels, d))
    scores = softmax(-((vectors[:n, None] - centres) ** 2).sum(axis=2) / 20, axis=1)
    return Pool(
        vectors=more.pop("vectors", vectors[:n]),
        probabilities=scores if scored else None,
        classes=tuple(f"class {code}" for code in range(k)),
        labelled_vectors=vectors[n:],
        labelled_targets=target[n:],
        **more,
    )
