"""How often the live monitor of a loss raises an alarm though nothing changed, and how soon it finds a rise.

    python -m benchmarks.monitor [--streams 2000] [--references 50] [--seed 0] [--only stable rise]

`stable`: the share of streams with any alarm in a year of daily looks, at 1, 2, 5 and 10 labels a day (a day's labels
are all looked at, one by one). `rise`: median labels until a rise of the mean loss by five points is found, from the
start or after 500 stable labels, over the streams without a false alarm before; `one_look` is the closed form for a
single look at 5 % with power 1/2, z² p (1 - p) / d², which no sequence of looks can beat. Of plain errors
`benchmarks.monitor_exact` computes the same. known: the reference is a number; of 500 / of 2000: estimated from so many
labels, `references` of them, each with its part of the streams.
weighted: an audit by expected error with a floor of .3; costs: losses of 0, .2 and 1; days: the chance of an error
moves from day to day as a first-order autoregression of its log odds, .3 wide with correlation .7.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from analysis.metrics.monitoring.monitor import LossMonitor, MonitorRule
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from validation.arrays import Floats, Ints

RULE = MonitorRule()
NEVER = 10**9
A_DAY = (1, 2, 5, 10)
LATE = 500
WATCHED = 1000  # labels after a rise
Rng = np.random.Generator


@dataclass(frozen=True)
class LossStreams:
    """Losses (t, s) of s streams in time order, with their weights."""

    loss: Floats
    weight: Floats

    def after(self, rise: LossStreams) -> LossStreams:
        return LossStreams(np.concatenate([self.loss, rise.loss]), np.concatenate([self.weight, rise.weight]))


@dataclass(frozen=True)
class StreamKind:
    """level: mean loss; labels: of the reference, 0 where the level is known."""

    level: float
    labels: int = 0
    weighted: bool = False
    costs: bool = False
    days: bool = False

    @property
    def name(self) -> str:
        flags = [name for name in ("weighted", "costs", "days") if getattr(self, name)]
        return " ".join([f"of {self.labels}" if self.labels else "known", *flags])

    def draw(self, rows: int, streams: int, rng: Rng, *, rise: float = 0.0) -> LossStreams:
        level = self.level + rise
        chance = np.full((rows, streams), level)
        weight = np.ones((rows, streams))
        if self.days:
            chance = by_day(level, rows, streams, rng)
        if self.weighted:
            chance, weight = by_expected_error(level, rows, streams, rng)
        loss = (rng.random((rows, streams)) < chance).astype(float)
        if self.costs:  # a fifth of the losses costs 1, the others 0.2: as many losses as give the level
            more = (rng.random((rows, streams)) < level / 0.36).astype(float)
            loss = more * np.where(rng.random((rows, streams)) < 0.2, 1.0, 0.2)
        return LossStreams(loss, weight)

    def reference(self, rng: Rng) -> LossReference:
        if not self.labels:
            return LossReference(self.level, scale=(0.2 + 0.8 * 0.04) / 0.36 if self.costs else 1.0)
        past = self.draw(self.labels, 1, rng)
        days = np.arange(self.labels) // 10 if self.days else None
        return estimated_reference(past.loss[:, 0], 1 / (4 * past.weight[:, 0]), batches=days)


KNOWN = [StreamKind(level) for level in (0.01, 0.05, 0.1, 0.2, 0.4)]
WEIGHTED = [StreamKind(level, weighted=True) for level in (0.05, 0.1, 0.2)]
COSTS = [StreamKind(level, costs=True) for level in (0.05, 0.1)]
ESTIMATED = [StreamKind(level, labels) for level in (0.05, 0.1, 0.2) for labels in (500, 2000)]
OTHERS = [StreamKind(0.1, 600, weighted=True), StreamKind(0.1, 600, costs=True), StreamKind(0.1, 600, days=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for part in options.only:
        for kind in [*KNOWN, *WEIGHTED, *COSTS, *ESTIMATED, *OTHERS]:
            for line in PARTS[part](kind, options):
                print(json.dumps({"benchmark": "monitor", "part": part, **line}), flush=True)


def stable(kind: StreamKind, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    started, rng = time.perf_counter(), np.random.default_rng(options.seed)
    first = _over_references(kind, options, rng, lambda size: kind.draw(RULE.horizon, size, rng))
    share = {f"{labels} a day": round(float(np.mean(first < 365 * labels)), 4) for labels in A_DAY}
    yield {
        "reference": kind.name,
        "level": kind.level,
        **share,
        "streams": first.size,
        "reach": "<= 0.05",
        "seconds": round(time.perf_counter() - started, 1),
    }


def rise(kind: StreamKind, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for late in (0, LATE):
        started, rng = time.perf_counter(), np.random.default_rng(options.seed + 1)

        def drawn(size: int, late: int = late, rng: Rng = rng) -> LossStreams:
            return kind.draw(late, size, rng).after(kind.draw(WATCHED, size, rng, rise=RULE.shift))

        first = _over_references(kind, options, rng, drawn, share=0.5)
        found = first[first >= late] - late + 1
        median = float(np.median(found))
        yield {
            "reference": kind.name,
            "level": kind.level,
            "after": late,
            "median_labels": median if median < WATCHED else f"above {WATCHED}",
            "within_150": round(float(np.mean(found <= 150)), 3),
            "within_1000": round(float(np.mean(found <= WATCHED)), 3),
            "one_look": one_look(kind),
            "streams": first.size,
            "reach": "median <= 150",
            "seconds": round(time.perf_counter() - started, 1),
        }


def one_look(kind: StreamKind) -> int | None:
    """Labels with which one test at 5 % finds the rise in half of the cases; None where no number is enough."""
    variance = kind.level * ((0.2 + 0.8 * 0.04) / 0.36 - kind.level if kind.costs else 1 - kind.level)
    needed = (RULE.shift / stats.norm.isf(RULE.alpha)) ** 2 / variance - (1 / kind.labels if kind.labels else 0)
    return int(np.ceil(1 / needed)) if needed > 0 else None


def first_alarms(reference: LossReference, streams: LossStreams) -> Ints:
    """(s,) the row of the first alarm of each stream, `NEVER` for none."""
    monitor = LossMonitor(reference, RULE, streams.loss.shape[1])
    first = np.full(streams.loss.shape[1], NEVER)
    for row, (loss, weight) in enumerate(zip(streams.loss, streams.weight, strict=True)):
        monitor.add(loss, weight)
        first[monitor.alarmed & (first == NEVER)] = row
    return first


def by_day(level: float, rows: int, streams: int, rng: Rng) -> Floats:
    """Chances (rows, streams) of an error, ten rows a day, with the mean `level` in the long run."""
    days = max(-(-rows // 10), 1)
    moved = np.zeros((days, streams))
    moved[0] = rng.normal(scale=0.3, size=streams)
    for day in range(1, days):
        moved[day] = 0.7 * moved[day - 1] + rng.normal(scale=0.3 * np.sqrt(1 - 0.49), size=streams)
    typical = expit(logit(level) + 0.3 * rng.normal(size=100_000)).mean()
    return np.repeat(expit(logit(level) + moved) * level / typical, 10, axis=0)[:rows]


def by_expected_error(level: float, rows: int, streams: int, rng: Rng) -> tuple[Floats, Floats]:
    """Chances of an error and weights (rows, streams) of items drawn with max(.3, c √chance), mean weight 1."""
    chances = rng.beta(1.0, 1 / level - 1, size=200_000)
    drawn = np.maximum(0.3, np.sqrt(chances) / np.sqrt(chances).mean())
    picked = rng.choice(chances.size, size=(rows, streams), p=drawn / drawn.sum())
    return chances[picked], drawn.mean() / drawn[picked]


def _over_references(
    kind: StreamKind,
    options: argparse.Namespace,
    rng: Rng,
    drawn: Callable[[int], LossStreams],
    share: float = 1.0,
) -> Ints:
    """First alarms of all streams, of one reference where it is known."""
    references, streams = options.references if kind.labels else 1, int(options.streams * share)
    return np.concatenate(
        [first_alarms(kind.reference(rng), drawn(max(streams // references, 1))) for _ in range(references)]
    )


PARTS = {"stable": stable, "rise": rise}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description="False and true alarms.")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--references", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
