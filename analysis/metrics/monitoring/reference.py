"""The level that a live loss is compared with: known, or estimated from labels whose uncertainty counts.

Where the reference is a sample, the true level is unknown, and the alarm must be rare at each level that it may have.
At a level that the sample makes implausible more alarms are allowed, at a plausible one fewer, so that the rate over
sample and stream together is alpha: a conditional error function (Proschan and Hunsberger, Biometrics 1995; Müller and
Schäfer 2001), here that of the comparison of two samples. A confidence limit of the reference as the level would cost
two to three times as many labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.metrics.core.design import Design, design
from validation import InvalidInput, arrays
from validation.arrays import Floats

PLANNED = 200  # labels after a change for which the allowed alarm rates are chosen
EVERYWHERE = 0.1  # the part of alpha that each level may spend, however implausible the reference makes it look
NEVER = 0.001  # levels that are rejected at this p value by the reference itself are not watched
EDGES = np.array([-2.0, -1.2, -0.6, -0.2, 0.1, 0.4, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5, -special.ndtri(NEVER)])
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


def watched_levels(reference: LossReference, alpha: float) -> tuple[WatchedLevel, ...]:
    """What must be rejected before an alarm; together they raise a false one with a chance of at most alpha.

    Levels between two edges are covered by the test of the upper one at the rate that the lower one allows.
    """
    if reference.is_known:
        return (WatchedLevel(float(np.clip(reference.mean, LOWEST, HIGHEST)), alpha),)
    edges = special.ndtr(-EDGES)
    nulls = np.clip(reference.level_at(edges), LOWEST, HIGHEST)
    allowed = allowed_rates(np.concatenate([[1.0], edges[:-1]]), alpha, reference.rows)
    return tuple(WatchedLevel(float(null), float(rate)) for null, rate in zip(nulls, allowed, strict=True))


def allowed_rates(p: Floats, alpha: float, rows: float) -> Floats:
    """The alarm rates allowed at levels with these p values; their mean over uniform p values is alpha - NEVER."""
    rest, ratio = alpha - NEVER, PLANNED / rows
    z = -special.ndtri(np.clip(p, 1e-12, 1 - 1e-12))
    two_samples = special.ndtr(z * np.sqrt(ratio) + special.ndtri(rest) * np.sqrt(1 + ratio))
    return np.asarray((1 - EVERYWHERE) * two_samples + EVERYWHERE * rest)


def _rows(drawn: Design, loss: Floats, mean: float) -> float:
    """Items of a uniform sample of errors with this mean whose share is known as well; never more than were drawn."""
    moved = drawn.contributions(np.asarray((loss - mean) / drawn.weight.sum()))
    variance = float(moved @ moved)
    return min(drawn.effective_n, mean * (1 - mean) / variance) if variance > 0 else drawn.effective_n
