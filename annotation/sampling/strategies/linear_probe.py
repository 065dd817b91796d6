"""Blend a linear probe into coarse model probabilities that tie many items.

Trees that have seen few labels give many items equal probabilities, so their uncertainty cannot rank these; a linear
fit of the same labels can, in milliseconds. Uncertainty is computed from a mixture of the two, a committee of two
different models (Seung, Opper and Sompolinsky, "Query by Committee", 1992), in which the probe's weight falls as labels
come in. A model whose probabilities differ for nearly all items is used alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from annotation.sampling.pool import Pool

Floats = NDArray[np.float64]

COARSE = 0.99
"""Below this granularity a model's probabilities count as coarse."""

EQUAL_WEIGHT_AT = 100
"""Number of labels at which model and probe weigh the same; trees need about 20 rows for each leaf."""

LEAST_WEIGHT = 0.05
PENALTY = 2.5
EVALUATED = 5000


@dataclass(frozen=True)
class BlendedPool:
    """A pool with blended probabilities, and the probe's weight in them: 0 = the model's own, to 1."""

    pool: Pool
    weight: float


def blend_linear_probe(pool: Pool) -> BlendedPool:
    """A checked pool with a linear probe of its labels blended into a coarse model's probabilities.

    The weight is 100 / (100 + labels), and 0 without probabilities, with labels of fewer than two classes, where it
    would be under .05, or where the model's probabilities are fine-grained. Classes without a label keep only the
    model's part. Deterministic; vectors in another unit give the same answer.
    """
    targets, weight = pool.labelled_targets, 0.0
    if pool.probabilities is not None and targets is not None and len(np.unique(targets)) > 1:
        weight = EQUAL_WEIGHT_AT / (EQUAL_WEIGHT_AT + len(targets))
    if pool.probabilities is None or weight < LEAST_WEIGHT or granularity(pool) >= COARSE:
        return BlendedPool(pool, 0.0)
    return BlendedPool(replace(pool, probabilities=(1 - weight) * pool.probabilities + weight * _fitted(pool)), weight)


def granularity(pool: Pool) -> float:
    """Granularity of the probabilities, from 0 (all rows equal) to 1 (as many distinct rows as the vectors have).

    The ratio of the effective numbers of distinct rows, exp of the entropy of their shares, over at most 5 000 rows.
    """
    assert pool.probabilities is not None
    rows = np.linspace(0, len(pool) - 1, min(len(pool), EVALUATED)).astype(np.intp)
    return min(1.0, _distinct(pool.probabilities[rows]) / _distinct(pool.vectors[rows]))


def _distinct(rows: NDArray[np.floating]) -> float:
    share = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return float(np.exp(-share @ np.log(share)))


def _fitted(pool: Pool) -> Floats:
    vectors, targets = pool.labelled_vectors, pool.labelled_targets
    assert pool.probabilities is not None and vectors is not None and targets is not None
    unit = float(np.sqrt(np.mean(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)))) or 1.0
    model = LogisticRegression(C=PENALTY, max_iter=100).fit(vectors / unit, targets)
    fitted = np.zeros_like(pool.probabilities)
    fitted[:, model.classes_] = model.predict_proba(pool.vectors / unit)
    return fitted
