"""Bets of anytime-valid tests: what share of its evidence a test may move with the next label.

A test martingale bets against the hypothesis that a bounded mean is not above a null (Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting"). By Ville's inequality it ever exceeds 1 / alpha with a
chance of at most alpha, however often it is looked at and whatever the bets. The bets here are those of the conditional
chance, under a random walk, that a sequential test still crosses its boundary ("Doob's martingale" of the test: Koning
and van Meer 2025, arXiv 2501.03982; Clerico et al. 2026, arXiv 2605.06521). On the steps of that walk they are the
test, exactly; on any other bounded gains they stay valid. The boundary spends alpha over the labels (Lan and DeMets
1983).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from validation.arrays import Floats, Ints

LEAST_CHANCE = 1e-7
CROSSED = 1 - 1e-6  # bets are interpolated: rounding may not keep a test from rejecting

Deadlines = Sequence[tuple[int, float, float]]
"""Labels, the share of alpha that is spent up to them, and the power of the labels with which it grows."""


@dataclass(frozen=True)
class Walk:
    """A random walk over `states` numbered 0 up: `up` states more with this chance, else `down` states fewer.

    reflecting: below 0 it stays at 0, as a CUSUM does; otherwise what falls below is lost. jump: by how much the gain
    of a step up exceeds that of a step down, in the unit of the gains.
    """

    chance: float
    up: int
    down: int
    start: int
    states: int
    reflecting: bool
    jump: float

    def moved(self, alive: Floats) -> Floats:
        """The chance of each state (states,) after one more step."""
        found = np.zeros_like(alive)
        found[self.up :] = self.chance * alive[: -self.up]
        found[: -self.down] += (1 - self.chance) * alive[self.down :]
        if self.reflecting:
            found[0] += (1 - self.chance) * alive[: self.down].sum()
        return found

    def successors(self, values: Floats) -> tuple[Floats, Floats]:
        """Values (states,) of the states that a step up and a step down lead to; 1 above the last."""
        lowest = values[0] if self.reflecting else 0.0
        up = np.append(values[self.up :], np.ones(self.up))
        return up, np.append(np.full(self.down, lowest), values[: -self.down])

    def reachable(self, clock: int) -> slice:
        """The states where it can be after so many steps."""
        if self.reflecting:
            return slice(None)
        step = self.up + self.down
        return slice((self.start - self.down * clock) % step, None, step)


@dataclass(frozen=True)
class BetTable:
    """Bets by clock and chance. The clock counts labels that tell something; the chance is 1 once the test rejects.

    start: the chance without a label, at most alpha: 1 / start times the chance is the wealth of the martingale.
    clocks: (c,) ascending; key: (m,) ascending, twice the row of the clock and the chance added; fraction: (m,) the
    bets there, 0 or more.
    """

    start: float
    clocks: Ints
    key: Floats
    fraction: Floats

    def bets(self, clock: ArrayLike, chance: Floats) -> Floats:
        """Shares of the wealth to bet on a gain of 1, of the shape of `clock` and `chance` together."""
        row = np.searchsorted(self.clocks, np.asarray(clock) + 1e-6, side="right") - 1
        return np.asarray(np.interp(2.0 * row + chance, self.key, self.fraction))


def spending(alpha: float, deadlines: Deadlines) -> Floats:
    """(labels + 1,) the part of alpha that may be spent by each label."""
    clock = np.arange(max(labels for labels, _, _ in deadlines) + 1)
    parts = [share * np.minimum(1.0, (clock / labels) ** power) for labels, share, power in deadlines]
    return np.asarray(alpha * np.sum(parts, axis=0))


def walk_boundary(walk: Walk, spent: Floats) -> Ints:
    """The least state at which the test rejects after each label; the last state where it cannot.

    At each label the lowest above the start for which the chance of having crossed by then is not above `spent`.
    """
    limits = np.full(len(spent), walk.states - 1)
    alive = np.zeros(walk.states)  # of each state, the chance to be there and not to have crossed
    alive[walk.start] = 1.0
    crossed = 0.0
    for clock in range(1, len(spent)):
        alive = walk.moved(alive)
        tail = np.cumsum(alive[::-1])[::-1]
        first = max(int(np.argmax(tail <= spent[clock] - crossed)), walk.start + 1)
        if tail[first] > spent[clock] - crossed:
            continue
        crossed += tail[first]
        alive[first:] = 0.0
        limits[clock] = first
    return limits


def walk_bets(walk: Walk, limits: Ints, clocks: Ints) -> BetTable:
    """The bets of the test with these limits, kept for some clocks; the others use those of the clock before."""
    state, kept = np.arange(walk.states), set(clocks.tolist())
    after = (state >= limits[-1]).astype(float)
    tables = {len(limits) - 1: (np.array([0.0, 1.0]), np.zeros(2))}
    for clock in range(len(limits) - 2, -1, -1):
        up, down = walk.successors(after)
        after = np.where(state >= limits[clock], 1.0, walk.chance * up + (1 - walk.chance) * down)
        if clock in kept:
            part = walk.reachable(clock)
            tables[clock] = _bets_at(after[part], (up - down)[part] / walk.jump)
    rows = sorted(tables)
    key = np.concatenate([2.0 * row + tables[clock][0] for row, clock in enumerate(rows)])
    fraction = np.concatenate([tables[clock][1] for clock in rows])
    return BetTable(float(after[walk.start]), np.array(rows, dtype=np.int64), key, fraction)


def _bets_at(chance: Floats, difference: Floats) -> tuple[Floats, Floats]:
    """Chances with 0 and 1 added, and the bets there."""
    inside = (chance > LEAST_CHANCE) & (chance < 1)
    bet = difference[inside] / chance[inside]
    first = bet[:1] if bet.size else np.zeros(1)
    return np.concatenate([[0.0], chance[inside], [1.0]]), np.concatenate([first, bet, [0.0]])
