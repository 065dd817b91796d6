"""Bets for an anytime-valid test with deadlines: what share of its evidence each next label may move.

A test martingale bets against the hypothesis that gains in [-1, 1] have no positive mean (Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting"). By Ville's inequality it exceeds 1 / alpha with a chance of
at most alpha, however often it is looked at and whatever the bets. The bets here make the most of deadlines: they are
those of the conditional chance, under a fair coin, that a sequential sign test still crosses its boundary ("Doob's
martingale" of the test: Koning and van Meer 2025, arXiv 2501.03982; Clerico et al. 2026, arXiv 2605.06521). With gains
of 1 and -1 it is that sign test, exactly; its boundary spends alpha over the labels (Lan and DeMets 1983).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from validation import InvalidInput
from validation.arrays import Floats, Ints

DEADLINES = ((100, 0.50), (300, 0.45), (1000, 0.05))  # labels that tell something, and the share of alpha up to them
HORIZON = DEADLINES[-1][0]
STEEPNESS = 2  # the share spent grows with this power of the labels: a handful of them rarely decides
DEEPEST = 200  # below this sum of gains nothing is left to lose
LEAST_CHANCE = 1e-7


@dataclass(frozen=True)
class BetTable:
    """Bets by clock and chance. The clock counts labels that tell something; the chance is 1 once the test rejects.

    start: the chance without a label, at most alpha: 1 / start times the chance is the wealth of the martingale.
    key: (m,) ascending, twice the clock and the chance added; fraction: (m,) the bets there, in [0, 1].
    """

    start: float
    key: Floats
    fraction: Floats

    def bets(self, clock: ArrayLike, chance: Floats) -> Floats:
        """Shares of the wealth to bet on a gain of 1, of the shape of `clock` and `chance` together."""
        row = np.minimum(np.floor(np.asarray(clock) + 1e-6), HORIZON)
        return np.asarray(np.interp(2 * row + chance, self.key, self.fraction))


@lru_cache(maxsize=64)
def bet_table(alpha: float) -> BetTable:
    """The bets for an error rate in (0, 0.5]. Raises InvalidInput outside of it."""
    if not 0 < alpha <= 0.5:
        raise InvalidInput("alpha must lie above 0 and up to 0.5.")
    sums = np.arange(-DEEPEST - 1, HORIZON + 2)
    limits = boundary(alpha)
    after = (sums >= limits[-1]).astype(float)
    keys, fractions = [np.array([2.0 * HORIZON, 2 * HORIZON + 1])], [np.zeros(2)]
    for clock in range(HORIZON - 1, -1, -1):
        up, down = np.append(after[1:], 1.0), np.append(0.0, after[:-1])
        chance = np.where(sums >= limits[clock], 1.0, (up + down) / 2)
        inside = (chance > LEAST_CHANCE) & (chance < 1) & ((sums - clock) % 2 == 0)  # sums that can be
        bet = (up[inside] - down[inside]) / (up[inside] + down[inside])
        keys.append(2 * clock + np.concatenate([[0.0], chance[inside], [1.0]]))
        fractions.append(np.concatenate([bet[:1] if bet.size else [0.0], bet, [0.0]]))
        after = chance
    start = float(after[DEEPEST + 1])
    return BetTable(start, np.concatenate(keys[::-1]), np.concatenate(fractions[::-1]))


def boundary(alpha: float) -> Ints:
    """(HORIZON + 1,) least sum of gains of 1 and -1 after each label at which the sequential sign test rejects.

    At each label the lowest for which the chance of having crossed by then, under a fair coin, is not above `spent`.
    """
    limits = np.full(HORIZON + 1, HORIZON + 1)
    alive = np.zeros(
        2 * HORIZON + 3
    )  # of each sum from -HORIZON - 1 on, the chance to be there and not to have crossed
    alive[HORIZON + 1] = 1.0
    crossed = 0.0
    for clock in range(1, HORIZON + 1):
        alive = (np.append(0.0, alive[:-1]) + np.append(alive[1:], 0.0)) / 2
        tail = np.cumsum(alive[::-1])[::-1]
        first = max(int(np.argmax(tail <= spent(alpha, clock) - crossed)), HORIZON + 2)
        if tail[first] > spent(alpha, clock) - crossed:
            continue
        crossed += tail[first]
        alive[first:] = 0.0
        limits[clock] = first - HORIZON - 1
    return limits


def spent(alpha: float, clock: int) -> float:
    """The part of alpha that may be spent by this label."""
    return alpha * sum(share * min(1.0, (clock / labels) ** STEEPNESS) for labels, share in DEADLINES)
