"""Two models on the same rows: how sure is it that one is better, or at least not worse?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta, binom, norm

from retraining.learning import checks
from retraining.learning.checks import BadInput, Floats

NUISANCE_DOUBT = 0.001  # of the error rate, spent on where the share of discordant rows may lie
NUISANCE_GRID = 41
FLIPS = 9999


@dataclass(frozen=True)
class Difference:
    """Mean gain of the candidate over the champion, in points (hundredths); above 0 the candidate is better.

    low, high: interval at `level`; n: rows; n_effective: rows of equal weight that would tell as much.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    n_effective: float


def exact_p(fixed: int, broken: int, n: int) -> float:
    """One-sided p that the candidate is no better, from `fixed` and `broken` rows among n; low means better.

    Exact unconditional test of Suissa and Shuster (1991) on McNemar's z, its nuisance parameter (the share of
    discordant rows) confined to a 99.9 % interval after Berger and Boos (1994): the error rate is never above the
    nominal one, as with McNemar's exact test, but less of it is wasted. Raises BadInput on impossible counts.
    """
    if min(fixed, broken) < 0 or fixed + broken > n:
        raise BadInput(f"{fixed} fixed and {broken} broken rows among {n} are impossible.")
    return 1.0 if fixed <= broken else _exact_p(fixed, broken, n)


@lru_cache(maxsize=4096)
def _exact_p(fixed: int, broken: int, n: int) -> float:
    discordant = fixed + broken
    z = (fixed - broken) / np.sqrt(discordant)
    low = beta.ppf(NUISANCE_DOUBT / 2, discordant, n - discordant + 1)
    high = beta.ppf(1 - NUISANCE_DOUBT / 2, discordant + 1, n - discordant) if discordant < n else 1.0
    shares = np.linspace(low, high, NUISANCE_GRID)
    counts = np.arange(max(1, int(binom.ppf(1e-9, n, low))), min(n, int(binom.ppf(1 - 1e-9, n, high))) + 1)
    least = np.ceil((counts + z * np.sqrt(counts)) / 2 - 1e-9)
    tail = binom.sf(least - 1, counts, 0.5)
    worst = (binom.pmf(counts[None, :], n, shares[:, None]) @ tail).max()
    return float(min(1.0, worst + NUISANCE_DOUBT))


def flip_p(gain: ArrayLike, weights: ArrayLike, *, seed: int) -> float:
    """One-sided p that the weighted mean gain is not above 0; low means the candidate is better.

    Signs of the gains are flipped at random and the studentised mean compared: exact when the models are exchangeable
    row by row, right in large samples when only the means agree (Janssen 1997). gain: (n,); weights: (n,) >= 0.
    """
    g = np.asarray(gain, dtype=float)
    w = checks.weights(weights, n=len(g))
    moves = (g != 0) & (w > 0)
    if not moves.any():
        return 1.0
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(FLIPS, int(moves.sum())))
    seen = _studentised(g[moves][None, :], w[moves], w)[0]
    flipped = _studentised(signs * g[moves], w[moves], w)
    return float((1 + (flipped >= seen - 1e-12).sum()) / (FLIPS + 1))


def _studentised(gains: Floats, weights: Floats, all_weights: Floats) -> Floats:
    """Weighted mean over its linearised standard error, per row of `gains`, shape (m, rows that moved)."""
    mean = gains @ weights / all_weights.sum()
    squares = gains**2 @ weights**2 - 2 * mean * (gains @ weights**2) + mean**2 * (all_weights**2).sum()
    return mean * all_weights.sum() / np.sqrt(squares)


def difference(gain: ArrayLike, weights: ArrayLike, *, level: float) -> Difference:
    """Weighted mean gain with an interval that stays honest when few rows differ.

    A row gained and a row lost are added (Agresti and Min 2005, "Wald + 2"), each of mean weight; the variance of the
    Hajek mean is linearised. gain: (n,) in [-1, 1]; weights: (n,), inverse inclusion probabilities; n of at least 1.
    """
    g = np.asarray(gain, dtype=float)
    w = checks.weights(weights, n=len(g))
    mean, error = moments(g, w)
    z = norm.ppf((1 + level) / 2)
    return Difference(
        value=100 * float(np.average(g, weights=w)),
        low=100 * float(max(-1.0, mean - z * error)),
        high=100 * float(min(1.0, mean + z * error)),
        level=level,
        n=len(g),
        n_effective=float(w.sum() ** 2 / (w**2).sum()),
    )


def moments(gain: Floats, weights: Floats) -> tuple[float, float]:
    """The mean gain and its standard error with one row gained and one lost added."""
    g = np.concatenate([gain, [1.0, -1.0]])
    w = np.concatenate([weights, np.full(2, weights.mean())])
    mean = float(np.average(g, weights=w))
    return mean, float(np.sqrt((w**2 * (g - mean) ** 2).sum()) / w.sum())


def not_worse_p(gain: ArrayLike, weights: ArrayLike, *, margin: float) -> float:
    """One-sided p that the candidate is worse by `margin` (a share) or more; low means it is not.

    Wald test with a row gained and one lost added, as in `difference`. 1 without rows.
    """
    g = np.asarray(gain, dtype=float)
    if not len(g):
        return 1.0
    mean, error = moments(g, checks.weights(weights, n=len(g)))
    return float(norm.sf((mean + margin) / error))
