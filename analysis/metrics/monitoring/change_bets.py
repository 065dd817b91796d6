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

from analysis.metrics.core.betting import BetTable, Walk, spending, walk_bets, walk_boundary

EARLY, EARLY_SHARE, EARLY_POWER = 200, 0.6, 1.5  # labels, their share of alpha, and how it grows
HIGHEST = 16.0  # log likelihood ratio of the top state: a limit above it is never met in practice
CLOSE = 0.03  # relative error of the steps' ratio that is accepted for a smaller lattice
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
        steps = _as_fraction(share)
        up, down = steps.denominator - steps.numerator, steps.numerator
        states = int(np.ceil(HIGHEST / self.odds_ratio * steps.denominator)) + up + 1
        return Walk(chance=self.null, up=up, down=down, start=0, states=states, reflecting=True, jump=1.0)


def _as_fraction(share: float) -> Fraction:
    """The fraction with the smallest denominator that is close to a number in (0, 1)."""
    for denominator in range(2, FINEST):
        found = Fraction(share).limit_denominator(denominator)
        if found and abs(float(found) - share) <= CLOSE * share:
            return found
    return Fraction(1, max(FINEST, round(1 / share)))


@lru_cache(maxsize=128)
def change_bets(rise: RiseToDetect, alpha: float, horizon: int) -> BetTable:
    """The bets for a false alarm rate alpha in (0, 1) over `horizon` labels without a change."""
    early = max(1, min(EARLY, horizon // 2))
    spent = spending(alpha, ((early, EARLY_SHARE, EARLY_POWER), (horizon, 1 - EARLY_SHARE, 1)))
    walk = rise.walk()
    return walk_bets(walk, walk_boundary(walk, spent), kept_clocks(horizon))


def kept_clocks(horizon: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The clocks for which bets are kept: they change slowly once many labels have come."""
    later = DENSE * RATIO ** np.arange(np.log(max(horizon / DENSE, 1)) / np.log(RATIO))
    return np.unique(np.concatenate([np.arange(min(DENSE, horizon)), later.astype(np.int64)]))
