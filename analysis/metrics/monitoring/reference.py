"""The level that a live loss is compared with: known, or estimated from labels whose uncertainty counts.

Where the reference is a sample, the stream is tested against one level a little above its mean, at the rate that the
comparison of two samples allows there: a conditional error function (Proschan and Hunsberger, Biometrics 1995; Müller
and Schäfer 2001). A low rate would be spent on references that are near the truth; a higher one at a level that the
truth rarely exceeds leaves the alarm rate over sample and stream together at alpha. That it does is not a theorem: the
rate of the whole is computed for the walk of errors and simulated for weights, costs and days (docs/benchmarks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.metrics.core.design import Design, design
from validation import InvalidInput, arrays
from validation.arrays import Floats

PLANNED = 250  # labels after a change for which the rate at the watched level is chosen
ABOVE = 1.5  # normal deviate of the watched level's p value: how far above the mean of the reference it lies
LOWEST, HIGHEST = 1e-4, 0.95


@dataclass(frozen=True)
class LossReference:
    """A mean loss in [0, 1] and how well it is known.

    rows: items of a uniform sample that would tell as much, infinite where the level is known. scale: the typical size
    of a loss times its weight, Σ(wL)² / ΣwL: 1 for errors of a uniform sample. plain: the inclusion probability of an
    item of weight 1.
    """

    mean: float
    rows: float = np.inf
    scale: float = 1.0
    plain: float = 1.0

    @property
    def is_known(self) -> bool:
        return bool(np.isinf(self.rows))

    def p(self, level: ArrayLike) -> Floats:
        """p values of the hypotheses that the mean is at least `level`, against that it is lower (exact binomial)."""
        hits = self.mean * self.rows
        return np.asarray(special.betaincc(hits + 1, max(self.rows - hits, 1e-9), level))

    def level_at(self, p: ArrayLike) -> Floats:
        """The levels with these p values."""
        hits = self.mean * self.rows
        return np.asarray(special.betainccinv(hits + 1, max(self.rows - hits, 1e-9), p))


@dataclass(frozen=True)
class WatchedLevel:
    """A mean that the stream must be shown to exceed, and the alarm rate that is allowed if it is that."""

    null: float
    alpha: float


def estimated_reference(
    losses: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    batches: ArrayLike | None = None,
) -> LossReference:
    """The reference of labelled rows (n,) with losses in [0, 1]; copies of one item share a group.

    batches (n,): the day of each row, ascending; what rows of a day have in common then counts as uncertainty and
    makes the watch less jumpy. Raises InvalidInput for no rows and bad arrays.
    """
    drawn = design(inclusion_probability, groups=groups)
    loss = arrays.unit_interval("losses", arrays.vector("losses", losses, drawn.n))
    if not drawn.n:
        raise InvalidInput("A reference needs labelled rows.")
    plain = drawn.n / float(drawn.weight.sum())
    mean = float(drawn.weight @ loss / drawn.weight.sum())
    excess = 1.0 if batches is None else dispersion(loss - mean, drawn.weight, batches)
    weighed = drawn.weight * plain
    missed = weighed * loss if mean > 0 else weighed
    scale = float(missed @ missed / missed.sum())
    return LossReference(mean, _rows(drawn, loss, mean) / excess, scale * excess, plain)


def dispersion(residual: Floats, weight: Floats, batches: ArrayLike, *, lags: int = 3) -> float:
    """How many times the variance of the sum exceeds that of independent rows, at least 1 (Newey and West 1987)."""
    day = arrays.groups_of(batches, residual.size)
    if day is None:
        return 1.0
    moved = weight * residual
    total = np.bincount(day, moved)
    variance = float(total @ total)
    for lag in range(1, min(lags, total.size - 1) + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(total[lag:] @ total[:-lag])
    single = float(moved @ moved)
    return max(1.0, variance / single) if single > 0 else 1.0


def watched_level(reference: LossReference, alpha: float) -> WatchedLevel:
    """What must be rejected for an alarm, so that the rate of false ones over reference and stream is at most alpha."""
    if reference.is_known:
        return WatchedLevel(float(np.clip(reference.mean, LOWEST, HIGHEST)), alpha)
    null = float(np.clip(reference.level_at(special.ndtr(-ABOVE)), LOWEST, HIGHEST))
    return WatchedLevel(null, allowed_rate(ABOVE, alpha, reference.rows))


def allowed_rate(above: float, alpha: float, rows: float) -> float:
    """The chance that a stream of `PLANNED` labels is found above a sample of so many rows, where it has the level that
    lies `above` standard errors over the sample's mean; alpha on average over samples."""
    ratio = PLANNED / rows
    return float(special.ndtr(above * np.sqrt(ratio) + special.ndtri(alpha) * np.sqrt(1 + ratio)))


def _rows(drawn: Design, loss: Floats, mean: float) -> float:
    """Items of a uniform sample of errors with this mean whose share is known as well; never more than were drawn."""
    moved = drawn.contributions(np.asarray((loss - mean) / drawn.weight.sum()))
    variance = float(moved @ moved)
    return min(drawn.effective_n, mean * (1 - mean) / variance) if variance > 0 else drawn.effective_n
