"""Bets of a test that watches for a rise of a mean at an unknown time: a CUSUM whose boundary spends alpha over labels.

The CUSUM of errors (Page 1954; for single trials: Reynolds and Stoumbos 1999) starts anew whenever nothing speaks for a
rise, so it finds one that begins late about as soon as one that begins at once. Most of alpha is spent over the first
labels, when a version that was just released shows what it is worth, the rest evenly up to the horizon. The bets are
those of its conditional chance (`analysis.metrics.core.betting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy import special

from analysis.metrics.core.betting import BetTable, Walk, spending, walk_bets, walk_boundary
from validation.arrays import Floats

EARLY_SHARE, EARLY_POWER = 0.7, 1.5  # the first labels' share of alpha, and how it grows
EARLY, LOOKS = 150, 2.0  # how many are first: so many, or this multiple of what one look needs to find the rise
HIGHEST = 16.0  # log likelihood ratio of the top state: a limit above it is never met in practice
CLOSE, OF_GAP = 0.03, 0.25  # error of the steps' ratio, of it and of its distance to null and raised, for fewer states
FINEST = 60
DENSE, RATIO = 200, 1.01  # bets are kept for each of the first labels, then at clocks with this ratio


@dataclass(frozen=True)
class RiseToDetect:
    """A mean of errors of 0 and 1 that rises from `null` to `raised`, both in (0, 1)."""

    null: float
    raised: float

    @property
    def odds_ratio(self) -> float:
        return float(np.log(self.raised * (1 - self.null) / (self.null * (1 - self.raised))))

    def walk(self) -> Walk:
        """The CUSUM under the null: log likelihood ratios of an error and of a hit as whole steps up and down."""
        share = float(np.log((1 - self.null) / (1 - self.raised))) / self.odds_ratio
        steps = _as_fraction(share, min(CLOSE * share, OF_GAP * min(share - self.null, self.raised - share)))
        up, down = steps.denominator - steps.numerator, steps.numerator
        states = int(np.ceil(HIGHEST / self.odds_ratio * steps.denominator)) + up + 1
        return Walk(chance=self.null, up=up, down=down, start=0, states=states, reflecting=True, jump=1.0)


def _as_fraction(share: float, error: float) -> Fraction:
    """The fraction with the smallest denominator that is close to a number in (0, 1)."""
    found = Fraction(0)
    for denominator in range(2, FINEST):
        found = Fraction(share).limit_denominator(denominator)
        if 0 < found < 1 and abs(float(found) - share) <= error:
            return found
    return found or Fraction(1, round(1 / share))


@dataclass(frozen=True)
class SpentRate:
    """The false alarm rate alpha in (0, 1) that may be spent over `horizon` labels, `early_share` of it on the `early`
    first."""

    alpha: float
    horizon: int
    early: int
    early_share: float = EARLY_SHARE

    def by_label(self) -> Floats:
        early = max(1, min(self.early, self.horizon // 2))
        return spending(self.alpha, ((early, self.early_share, EARLY_POWER), (self.horizon, 1 - self.early_share, 1)))


def early_labels(level: float, shift: float) -> int:
    """How many labels share most of the alarm rate: a look after fewer rarely finds a rise of `shift` from a level."""
    one_look = special.ndtri(0.95) ** 2 * level * (1 - level) / shift**2
    return max(EARLY, round(float(LOOKS * one_look)))


@lru_cache(maxsize=128)
def change_bets(rise: RiseToDetect, rate: SpentRate) -> BetTable:
    """The bets for a false alarm rate over a horizon without a change."""
    walk = rise.walk()
    return walk_bets(walk, walk_boundary(walk, rate.by_label()), kept_clocks(rate.horizon))


def kept_clocks(horizon: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The clocks for which bets are kept: they change slowly once many labels have come."""
    later = DENSE * RATIO ** np.arange(np.log(max(horizon / DENSE, 1)) / np.log(RATIO))
    return np.unique(np.concatenate([np.arange(min(DENSE, horizon)), later.astype(np.int64)]))
