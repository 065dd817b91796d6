"""A test that a weighted mean of losses is below a limit: the exact binomial test where all weights are equal.

With unequal weights it is a test martingale (Waudby-Smith and Ramdas 2024) whose bets are those of the conditional
chance of the binomial test (`core.betting`), so it is valid for any losses in [0, 1] and any weights, and equal weights
lose nothing to it. Rows of unequal weights are counted as Kish's effective number of equal ones.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from analysis.metrics.core.betting import CROSSED
from validation.arrays import Bools, Floats

NEWTON_STEPS = 2
NEAR = 1e-4  # of a loss: the distance over which slopes are taken
LOST = 1e-9  # below this chance, or with less than this part of a row left, nothing is bet any more


def means_below(losses: Floats, weights: Floats, limit: float, delta: float) -> Bools:
    """(m,) whether "the mean loss is at least `limit`" is rejected at `delta`, for m selections of rows.

    losses: (n,) in [0, 1]. weights: (n, m), 0 where a row is not in the selection. limit, delta in (0, 1).
    """
    chosen = weights > 0
    heaviest, lightest = weights.max(axis=0, initial=0), np.where(chosen, weights, np.inf).min(axis=0, initial=np.inf)
    if bool(((losses == 0) | (losses == 1)).all()) and bool((heaviest <= lightest * (1 + 1e-9)).all()):
        return binomial_below(losses @ chosen, chosen.sum(axis=0), limit, delta)
    return betting_below(losses, weights, limit, delta)


def binomial_below(losses: Floats, rows: Floats, limit: float, delta: float) -> Bools:
    """(m,) the exact binomial test for so many losses among so many rows of equal weight."""
    return np.asarray((rows > 0) & (stats.binom.cdf(losses, rows, limit) <= delta))


def betting_below(losses: Floats, weights: Floats, limit: float, delta: float) -> Bools:
    """As `means_below`, by betting; a selection of equal weights and losses of 0 and 1 gets the binomial answer."""
    total = weights.sum(axis=0)
    scale = np.divide((weights**2).sum(axis=0), total, out=np.ones_like(total), where=total > 0)
    left = total / scale
    cap = scale / ((1 - limit) * np.maximum(weights.max(axis=0, initial=0), LOST))  # the wealth stays at least 0
    chance, allowed = np.full(total.shape, delta), np.nan_to_num(special.bdtrik(delta, left, limit), nan=-1.0)
    rejected = np.zeros(total.shape, dtype=bool)
    for loss, weight in zip(losses, weights / scale, strict=True):
        live = (weight > 0) & (chance > LOST) & (left > LOST) & ~rejected
        if live.any():
            allowed[live] = refined(allowed[live], left[live], limit, chance[live])
            bet = np.minimum(conditional_bet(allowed[live], left[live], limit) / chance[live], cap[live])
            chance[live] = np.minimum(chance[live] * (1 + bet * weight[live] * (limit - loss)), 1.0)
        rejected |= chance >= CROSSED
        left, allowed = left - weight, allowed - weight * loss
    return rejected


def conditional_bet(allowed: Floats, left: Floats, limit: float) -> Floats:
    """By how much the chance of the test (m,) is higher after a row without a loss than after one with it."""
    rest = np.maximum(left - 1, 0.0)
    return np.asarray(at_most(allowed, rest, limit) - at_most(allowed - 1, rest, limit))


def refined(allowed: Floats, left: Floats, limit: float, chance: Floats) -> Floats:
    """The losses (m,), between whole numbers too, that at most so many have this chance, from a guess near them."""
    for _ in range(NEWTON_STEPS):
        value = at_most(allowed, left, limit)
        slope = (at_most(allowed + NEAR, left, limit) - value) / NEAR
        step = np.divide(chance - value, slope, out=np.zeros_like(value), where=slope > LOST)
        allowed = np.clip(allowed + np.clip(step, -1.0, 1.0), -1.0, left)
    return allowed


def at_most(losses: Floats, rows: Floats, rate: float) -> Floats:
    """The chance (m,) of at most so many losses among so many rows, continued between whole numbers."""
    inside = (losses > -1) & (losses < rows)
    a, b = np.where(inside, losses + 1, 1.0), np.where(inside, rows - losses, 1.0)
    return np.asarray(np.where(inside, special.betaincc(a, b, rate), (losses >= rows).astype(float)))
