"""Bets of the gate on disagreements: a sequential sign test with deadlines, for gains in [-1, 1].

How they are made, and why they are valid for other gains too: `analysis.metrics.core.betting`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from analysis.metrics.core.betting import BetTable, Walk, spending, walk_bets, walk_boundary
from validation import InvalidInput
from validation.arrays import Ints

# Labels that tell something, the share of alpha up to them, and how it grows: a handful of labels rarely decides.
DEADLINES = ((100, 0.50, 2), (300, 0.45, 2), (1000, 0.05, 2))
HORIZON = DEADLINES[-1][0]
DEEPEST = 200  # below this sum of gains nothing is left to lose
COIN = Walk(chance=0.5, up=1, down=1, start=DEEPEST + 1, states=DEEPEST + HORIZON + 3, reflecting=False, jump=2.0)


@lru_cache(maxsize=64)
def bet_table(alpha: float) -> BetTable:
    """The bets for an error rate in (0, 0.5]. Raises InvalidInput outside of it."""
    if not 0 < alpha <= 0.5:
        raise InvalidInput("alpha must lie above 0 and up to 0.5.")
    return walk_bets(COIN, boundary(alpha) + COIN.start, np.arange(HORIZON + 1))


def boundary(alpha: float) -> Ints:
    """(HORIZON + 1,) least sum of gains of 1 and -1 after each label at which the sequential sign test rejects."""
    return walk_boundary(COIN, spending(alpha, DEADLINES)) - COIN.start
