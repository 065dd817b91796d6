"""Anytime-valid tests and confidence sequences for the mean of gains in [-1, 1], by betting (see `bets`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.betting import CROSSED, BetTable
from retraining.learning.gate.bets import bet_table
from validation.arrays import Bools, Floats

PRIOR = 0.003  # a first guess of the scale of gains, 1, that weighs as much as this part of one label
COARSE, FINE = np.linspace(-0.999, 0.999, 76), 24
LOWEST = -0.9999


@dataclass(frozen=True)
class Limits:
    """A confidence sequence of a mean at one moment: who looks after every label errs on a side with chance alpha."""

    low: float
    high: float


class MeanTest:
    """Tests that the mean is at most `null`, followed label by label; `null` has the shape of the tests (m,).

    The clock is the effective number of labels that tell something, (sum y²)² / sum y⁴ of y = gain - null: gains of 1,
    -1 and 0 count 1, 1 and 0. It and the scale of y are of the labels before, so no bet knows what it bets on.
    """

    def __init__(self, null: ArrayLike, alpha: float) -> None:
        self.null: Floats = np.atleast_1d(np.asarray(null, dtype=np.float64))
        self.table: BetTable = bet_table(alpha)
        self.chance: Floats = np.full(self.null.shape, self.table.start)
        self.peak: Floats = self.chance
        self.second: Floats = np.zeros(self.null.shape)
        self.fourth: Floats = np.zeros(self.null.shape)

    def add(self, gain: ArrayLike) -> None:
        """Count one label: its gain, one number or one a test."""
        y = np.asarray(gain) - self.null
        scale2 = (PRIOR + self.fourth) / (PRIOR + self.second)
        bet = self.table.bets(self.second / scale2, self.chance) / np.sqrt(scale2)
        bet = np.minimum(bet, 1 / (1 + self.null))  # the wealth stays at least 0 for any gain from -1 on
        self.chance = np.minimum(self.chance * (1 + bet * y), 1.0)
        self.peak = np.maximum(self.peak, self.chance)
        self.second, self.fourth = self.second + y**2, self.fourth + y**4

    @property
    def p(self) -> Floats:
        """Anytime-valid p values (m,): the inverse of the most evidence there ever was."""
        return np.asarray(np.where(self.rejected, self.table.start, np.minimum(1.0, self.table.start / self.peak)))

    @property
    def rejected(self) -> Bools:
        """(m,) whether the test has rejected at alpha by now."""
        return np.asarray(self.peak >= CROSSED)

    def repeat(self, times: int) -> MeanTest:
        """So many copies of a single test, to be continued each in its own way."""
        copy = object.__new__(MeanTest)
        copy.table = self.table
        copy.null, copy.chance, copy.peak, copy.second, copy.fourth = (
            np.repeat(values, times) for values in (self.null, self.chance, self.peak, self.second, self.fourth)
        )
        return copy


def mean_above(gains: Floats, null: float, alpha: float) -> MeanTest:
    """The test that the mean is at most `null` in (-1, 1), after the gains (n,) in the order of their draw."""
    return _followed(gains, np.array([null]), alpha)


def mean_below(gains: Floats, null: float, alpha: float) -> MeanTest:
    """The test that the mean is at least `null`; its gains have the other sign."""
    return mean_above(-gains, -null, alpha)


def confidence_limits(gains: Floats, alpha: float) -> Limits:
    """The means that neither test has rejected by now, widened to the grid on which they were tried."""
    sides = np.stack([gains, -gains], axis=1)
    coarse = _limits(sides, np.stack([COARSE, COARSE]), alpha)
    low, high = _limits(sides, np.linspace(np.maximum(coarse[:, 0], LOWEST), coarse[:, 1], FINE, axis=1), alpha)[:, 0]
    return Limits(low=float(low), high=-float(high))


def _limits(sides: Floats, nulls: Floats, alpha: float) -> Floats:
    """(2, 2) for the gains (n, 2) and those with the other sign: the last null up to which all are rejected, -1 for
    none, and the next one; nulls (2, m) ascending.
    """
    test = MeanTest(nulls, alpha)
    for gain in sides:
        test.add(gain[:, None])
    found = []
    for own, rejected in zip(nulls, test.rejected, strict=True):
        first = len(own) - 1 if rejected.all() else int(np.argmin(rejected))
        found.append([own[first - 1] if first else -1.0, own[first]])
    return np.array(found)


def _followed(gains: Floats, nulls: Floats, alpha: float) -> MeanTest:
    test = MeanTest(nulls, alpha)
    for gain in gains:
        test.add(gain)
    return test
