"""A second opinion where the model speaks in steps.

Trees that have seen few labels say the same of many items, so their doubts cannot tell those apart; a linear fit of the
same labels can, at a cost of milliseconds. So doubt is read from a mixture of the two, a committee of two unlike models
(Seung, Opper and Sompolinsky, "Query by Committee", 1992), in which the fit's say falls as labels come in. A model that
tells all items apart is believed alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from annotation.sampling.pool import Pool

Floats = NDArray[np.float64]

STEPPED = 0.99
"""A model has steps where it tells apart less than this share of what the vectors tell apart."""

EVEN_AT = 100
"""So many labels give model and fit an even say; trees need about 20 rows for each leaf."""

LEAST_WEIGHT = 0.05
PENALTY = 2.5
LOOKED_AT = 5000


@dataclass(frozen=True)
class BlendedPool:
    """A pool whose probabilities are those to doubt by, and the fit's say in them: 0 = the model's own, to 1."""

    pool: Pool
    say: float


def blend_linear_probe(pool: Pool) -> BlendedPool:
    """A checked pool with a linear fit of its labels mixed into a stepped model's probabilities.

    The say is 100 / (100 + labels), and 0 without probabilities, with labels of fewer than two classes, where it would
    be under .05, or where the model tells apart what the vectors do. Classes without a label keep only the model's
    part. Deterministic; vectors in another unit give the same answer.
    """
    targets, say = pool.labelled_targets, 0.0
    if pool.probabilities is not None and targets is not None and len(np.unique(targets)) > 1:
        say = EVEN_AT / (EVEN_AT + len(targets))
    if pool.probabilities is None or say < LEAST_WEIGHT or granularity(pool) >= STEPPED:
        return BlendedPool(pool, 0.0)
    return BlendedPool(replace(pool, probabilities=(1 - say) * pool.probabilities + say * _fitted(pool)), say)


def granularity(pool: Pool) -> float:
    """How finely the probabilities tell items apart, from 0 (all alike) to 1 (as finely as the vectors do).

    The ratio of the effective numbers of distinct rows, exp of the entropy of their shares, over at most 5 000 rows.
    """
    assert pool.probabilities is not None
    rows = np.linspace(0, len(pool) - 1, min(len(pool), LOOKED_AT)).astype(np.intp)
    return min(1.0, _distinct(pool.probabilities[rows]) / _distinct(pool.vectors[rows]))


def _distinct(rows: NDArray[np.floating]) -> float:
    share = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return float(np.exp(-share @ np.log(share)))


def _fitted(pool: Pool) -> Floats:
    vectors, targets = pool.labelled_vectors, pool.labelled_targets
    assert pool.probabilities is not None and vectors is not None and targets is not None
    unit = float(np.sqrt(np.mean(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)))) or 1.0
    model = LogisticRegression(C=PENALTY, max_iter=100).fit(vectors / unit, targets)
    said = np.zeros_like(pool.probabilities)
    said[:, model.classes_] = model.predict_proba(pool.vectors / unit)
    return said
