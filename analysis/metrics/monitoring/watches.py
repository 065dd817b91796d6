"""Watches of one stream side by side: a later one compares with more labels, so it finds a late rise sooner.

The reference of each is that many first labels; it watches all labels after them. The watches share alpha, so the
chance that any of them alarms while nothing changes is at most the sum of theirs. A larger reference that replaced the
smaller one would lose the evidence at hand, and take up labels of a rise that has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.metrics.monitoring.monitor import MonitorResult, MonitorRule, monitor_losses
from analysis.metrics.monitoring.reference import LossReference
from validation.arrays import Floats


@dataclass(frozen=True)
class Watch:
    """labels: the first ones, which are its reference. share: its part of alpha. early: of that, the part that the
    first labels after the reference spend."""

    labels: int
    share: float
    early: float

    def rule(self, whole: MonitorRule, first: int) -> MonitorRule:
        """Its rule, where `whole` is that of all watches and begins after the `first` labels."""
        horizon = whole.horizon - (self.labels - first)
        return replace(whole, alpha=whole.alpha * self.share, horizon=horizon, early_share=self.early)


def growing_watches(first: int) -> tuple[Watch, ...]:
    """A watch after the first labels, and two after twice and four times as many."""
    return Watch(first, 0.7, 0.8), Watch(2 * first, 0.2, 0.0), Watch(4 * first, 0.1, 0.0)


@dataclass(frozen=True)
class WatchedStream:
    """Labels (n,) in the order in which they came: losses in [0, 1], inclusion probabilities, and the probability that
    an item of weight 1 had when each came. reference: that of so many first labels."""

    losses: Floats
    inclusion_probability: Floats
    plain: Floats
    reference: Callable[[int], LossReference]


@dataclass(frozen=True)
class WatchedRise:
    """The first alarm of any watch: raised after row `alarm`, of a rise that most likely began with row `since`, above
    the mean of the first `labels`."""

    alarm: int
    since: int
    labels: int


@dataclass(frozen=True)
class WatchResult:
    """rise: None without an alarm so far. is_over: no more alarm is raised."""

    rise: WatchedRise | None
    is_over: bool


def follow(stream: WatchedStream, watches: Sequence[Watch], rule: MonitorRule) -> WatchResult:
    """What the watches say of all labels up to now. Labels that come later change neither an alarm nor its start."""
    begun = [watch for watch in watches if watch.labels < stream.losses.size]
    found = [(watch, _result(stream, watch, watch.rule(rule, watches[0].labels))) for watch in begun]
    rises = [
        WatchedRise(watch.labels + one.alarm, watch.labels + one.since, watch.labels)
        for watch, one in found
        if one.alarm is not None and one.since is not None
    ]
    first = min(rises, key=lambda rise: (rise.alarm, rise.labels), default=None)
    return WatchResult(first, bool(found) and found[0][1].is_over)


def _result(stream: WatchedStream, watch: Watch, rule: MonitorRule) -> MonitorResult:
    after = np.s_[watch.labels :]
    return monitor_losses(
        stream.losses[after],
        stream.inclusion_probability[after],
        reference=stream.reference(watch.labels),
        rule=rule,
        plain=stream.plain[after],
    )
