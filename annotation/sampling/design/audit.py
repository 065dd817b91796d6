"""The sampling design: an active part that is taken for certain, and a uniform audit part drawn from the rest.

With N items in the pool, c taken for certain and a drawn uniformly without replacement from the N - c others, an
item's inclusion probability is 1 in the first part and a / (N - c) in the second. The weights 1/pi of any draw
sum to exactly N, so the Hajek estimate of a pool mean equals the Horvitz-Thompson estimate and is unbiased for
the pool (Sarndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, sections 2.8 and 3.7: a stratified
design whose first stratum is taken whole). No model assumption is made: however wrong the active part chose.

A round of one item cannot hold both parts. It throws a coin: uniform with the audit share's probability, else the
active choice. Then pi = share / N for every item, plus 1 - share for the active choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RAREST = 1e-9
"""No item may stand for more than a billion."""


def audit_draws(size: int, pool: int, share: float) -> int:
    """How many of a round's items are drawn uniformly: the share of the size, rounded, but at least one.

    `size` is cut to the pool. A share of 1 gives all of them, a share of exactly 0 none: then nothing of the round may
    judge a model. Raises ValueError for a share outside 0 to 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"The audit share must lie from 0 to 1, not {share}.")
    taken = min(size, pool)
    if share == 0:
        return 0
    return min(taken, max(1, int(np.floor(share * taken + 0.5))))


def draw_audit(
    n: int, certain: NDArray[np.intp], draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], float]:
    """Draw uniformly without replacement from the rows 0..n-1 that are not taken for certain.

    Returns the rows drawn and their common inclusion probability in (0, 1]. High = the audit sees much of the pool.
    """
    rest = np.delete(np.arange(n), certain)
    drawn = rng.choice(rest, size=min(draws, len(rest)), replace=False)
    return drawn, (len(drawn) / len(rest) if len(rest) else 1.0)


def interleave(active: int, audit: int) -> NDArray[np.bool_]:
    """Where the audit items stand in a round of active + audit: spread evenly, so that a round left half done still
    holds its share of both. Returns (active + audit,) bool, True = audit."""
    steps = np.floor((np.arange(active + audit) + 1) * audit / max(active + audit, 1) + 0.5)
    return np.diff(steps, prepend=0.0) > 0


def hajek_mean(values: NDArray[np.floating], inclusion_probability: NDArray[np.floating]) -> float:
    """The pool's mean from a selection: values (m,) and their inclusion probabilities (m,) in (0, 1].

    Unbiased for the pool of the round (see the top of this module). Raises ValueError for no values, lengths that
    differ, a value that is not finite, or a probability outside (0, 1].
    """
    y, pi = np.asarray(values, dtype=np.float64), np.asarray(inclusion_probability, dtype=np.float64)
    if y.shape != pi.shape or y.ndim != 1 or not len(y):
        raise ValueError(f"Give one inclusion probability for each value, and at least one; got {y.shape}, {pi.shape}.")
    if not np.isfinite(y).all():
        raise ValueError("The values hold NaN or infinity, so there is no mean.")
    if not ((pi >= RAREST) & (pi <= 1)).all():
        raise ValueError("Inclusion probabilities must lie above 0 and at most at 1.")
    return float(np.sum(y / pi) / np.sum(1 / pi))
