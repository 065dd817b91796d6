"""Anytime-valid monitor of a live loss: has it risen above its reference, however often one looks?

Each labelled row of the audit is a bet against "the mean loss is not above a level" (`change_bets`), which is the
reference where that is known, and lies above it where it is a sample (`reference`). A row counts by one over its
inclusion probability, so the mean is that of all traffic; the bets do not know the row, its weight or its loss, and by
Ville's inequality a stream whose mean never exceeds the level raises an alarm with a chance of at most the rate that is
allowed there. Detection of a change by such processes: Shin, Ramdas and Rinaldo 2022 (arXiv 2203.03532); monitors of a
risk: Podkopaev and Ramdas 2022 (arXiv 2110.06177).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.betting import CROSSED
from analysis.metrics.monitoring.change_bets import EARLY_SHARE, RiseToDetect, SpentRate, change_bets, early_labels
from analysis.metrics.monitoring.reference import LossReference, watched_level
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints

HIGHEST_NULL = 0.95
LEAST_RISE = 0.25  # of the shift: the rise above the level that is looked for, where the reference plus shift is less


@dataclass(frozen=True)
class MonitorRule:
    """alpha: the chance of an alarm over `horizon` labels without a rise. shift: the rise, in loss, to find soonest.
    early_share: of alpha, the part that the first labels spend."""

    alpha: float = 0.05
    shift: float = 0.05
    horizon: int = 3650
    early_share: float = EARLY_SHARE

    def __post_init__(self) -> None:
        if not 0.001 <= self.alpha <= 0.5:
            raise InvalidInput("alpha must lie from 0.001 to 0.5.")
        if not 0 < self.shift < 1:
            raise InvalidInput("shift must lie between 0 and 1.")
        if self.horizon < 20:
            raise InvalidInput("horizon must be at least 20 labels.")
        if not 0 <= self.early_share <= 1:
            raise InvalidInput("early_share must lie from 0 to 1.")


@dataclass(frozen=True)
class MonitorResult:
    """What the rows up to now say. alarm: the row after which it was raised, None for none so far.

    since: the first row after which the rise is most likely to have begun, where there is an alarm. n: rows that
    count, one of each group of copies. labels: what they are worth as labels of a uniform sample; after `horizon` of
    them no more alarm is raised.
    """

    alarm: int | None
    since: int | None
    n: int
    labels: float
    horizon: int

    @property
    def is_over(self) -> bool:
        return self.labels >= self.horizon


class LossMonitor:
    """Streams of losses in [0, 1] against one reference, followed row by row."""

    def __init__(self, reference: LossReference, rule: MonitorRule, streams: int = 1) -> None:
        level = watched_level(reference, rule.alpha)
        null, shift = min(level.null / reference.scale, HIGHEST_NULL), rule.shift / reference.scale
        raised = min(max(reference.mean / reference.scale + shift, null + LEAST_RISE * shift), (null + 1) / 2)
        self.null, self.scale = level.null, reference.scale
        self.rise = RiseToDetect(null, raised)
        self.rate = SpentRate(level.alpha, rule.horizon, early_labels(null, shift), rule.early_share)
        self.table = change_bets(self.rise, self.rate)
        self.clock: Floats = np.zeros(streams)
        self.chance: Floats = np.full(streams, min(self.table.start, level.alpha))
        self.peak: Floats = self.chance

    def add(self, loss: ArrayLike, weight: ArrayLike = 1.0) -> None:
        """Count one row of each stream: losses and weights (streams,), or one for all."""
        loss, weight = np.asarray(loss, dtype=np.float64), np.asarray(weight, dtype=np.float64)
        gain = weight * (loss - self.null) / self.scale
        bet = np.minimum(self.table.bets(self.clock, self.chance), self.scale / (self.null * weight))
        self.chance = np.minimum(self.chance * (1 + bet * gain), 1.0)
        self.peak = np.maximum(self.peak, self.chance)
        self.clock = self.clock + weight

    @property
    def alarmed(self) -> Bools:
        """(streams,) whether the level has been rejected by now."""
        return np.asarray(self.peak >= CROSSED)


def monitor_losses(
    losses: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    reference: LossReference,
    rule: MonitorRule = MonitorRule(),
    plain: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> MonitorResult:
    """Follow labelled rows (n,) in time order, with losses in [0, 1].

    plain (n,): the inclusion probability that an item of weight 1 had when each row came, known before it; that of the
    reference where absent. groups (n,): of copies of one item only the first counts, the others tell nothing new.
    Raises InvalidInput for bad arrays.
    """
    chance = arrays.vector("inclusion_probability", inclusion_probability)
    chance = arrays.inclusion(chance, chance.size)
    loss = arrays.unit_interval("losses", arrays.vector("losses", losses, chance.size))
    usual = np.full(chance.size, reference.plain) if plain is None else arrays.inclusion(np.asarray(plain), chance.size)
    weight, rows = usual / chance, first_of_each(groups, chance.size)
    monitor, alarm = LossMonitor(reference, rule), None
    for row in rows.tolist():
        monitor.add(loss[row], weight[row])
        if monitor.alarmed[0]:
            alarm = row
            break
    labels = float(weight[rows].sum())
    if alarm is None:
        return MonitorResult(None, None, rows.size, labels, rule.horizon)
    before = rows[rows <= alarm]
    excess = weight[before] * (loss[before] - reference.mean - rule.shift / 2)
    return MonitorResult(alarm, int(before[change_start(excess)]), rows.size, labels, rule.horizon)


def first_of_each(groups: ArrayLike | None, n: int) -> Ints:
    """The first row of each group of copies, in order."""
    group = arrays.groups_of(groups, n)
    if group is None:
        return np.arange(n)
    return np.sort(np.unique(group, return_index=True)[1]).astype(np.int64)


def change_start(excess: Floats) -> int:
    """The row from which on the sum of what exceeds the reference (n,) is largest: the likeliest start of a rise."""
    return int(np.argmax(np.cumsum(excess[::-1])[::-1]))
