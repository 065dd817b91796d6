"""The live monitor as the product runs it: references of the first 500, 1,000 and 2,000 labels, of errors and of costs.

    python -m benchmarks.monitor_growing [--streams 1000] [--levels .01 .05] [--cost-streams 200] [--seed 0]
        [--only errors costs]

`errors`: for each share of errors, the share of stable streams with any alarm over 3,650 labels after the first 500
(ten a day for a year, looked at one by one), and the median labels until a rise of five points is found that begins
with the watch or later, over the streams without an alarm before; `alone` is the same by the first 500 labels alone, at
the whole rate. `costs`: a false positive costs 1 and a false negative `dear`, one mistake in ten is a false negative;
errors and costs of the same streams, watched apart as in the product, and the share of stable streams with an alarm of
either. A rise is five points more mistakes of the same kinds, or 2.5 points more of the dear ones alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from analysis.metrics.core.betting import walk_boundary
from analysis.metrics.monitoring.monitor import LossMonitor, MonitorRule
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from analysis.metrics.monitoring.watches import Watch, WatchedStream, follow, growing_watches
from validation.arrays import Bools, Floats

RULE = MonitorRule()
WATCHES = growing_watches(500)
ALONE = (Watch(500, 1.0, RULE.early_share),)
FIRST = WATCHES[0].labels
RISES = (500, 700, 1000, 2000)
WATCHED = 1500
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2)
DEAR, SHARE_OF_DEAR = (5.0, 20.0), 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for part in options.only:
        for line in PARTS[part](options):
            print(json.dumps({"benchmark": "monitor_growing", "part": part, **line}), flush=True)


def errors(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for level in options.levels:
        for name, watches in (("growing", WATCHES), ("alone", ALONE)):
            started = time.process_time()
            found = alarms(
                level,
                stable=FIRST + RULE.horizon,
                risen=0,
                streams=options.streams,
                seed=options.seed,
                watches=watches,
            )
            rises = {f"rise_after_{labels}": _rise(level, labels, options, watches) for labels in RISES}
            yield {
                "references": name,
                "level": level,
                "stable_alarm": round(float(np.isfinite(found).mean()), 4),
                **rises,
                "streams": options.streams,
                "reach": "stable <= 0.05, median <= 150",
                "cpu_s": round(time.process_time() - started, 1),
            }


def _rise(level: float, labels: int, options: argparse.Namespace, watches: Sequence[Watch]) -> dict[str, float | str]:
    found = alarms(level, stable=labels, risen=WATCHED, streams=options.streams, seed=options.seed + 1, watches=watches)
    return delay(found, labels)


def delay(found: Floats, labels: int) -> dict[str, float | str]:
    """How many labels a rise after so many takes, over the streams without an alarm before."""
    after = found[found > labels] - labels
    median = float(np.median(after))
    return {
        "median": median if np.isfinite(median) else f"above {WATCHED}",
        "within_150": round(float((after <= 150).mean()), 3),
        "within_1000": round(float((after <= 1000).mean()), 3),
    }


def alarms(
    level: float,
    *,
    stable: int,
    risen: int,
    streams: int,
    seed: int,
    watches: Sequence[Watch] = WATCHES,
    rule: MonitorRule = RULE,
) -> Floats:
    """(s,) the label with which each stream of errors alarms first, infinite for none. A rise follows `stable` labels.

    On errors of a uniform audit the monitor is a CUSUM of whole steps with a boundary, which is what is followed here.
    """
    rng = np.random.default_rng(seed)
    chance = np.append(np.full(stable, level), np.full(risen, level + rule.shift))
    wrong = rng.random((chance.size, streams)) < chance[:, None]
    found = [alarms_of(wrong, watch, watch.rule(rule, watches[0].labels)) for watch in watches]
    return np.asarray(np.min(found, axis=0))


def alarms_of(wrong: Bools, watch: Watch, rule: MonitorRule) -> Floats:
    """Of one watch: each number of errors in the reference has a walk of its own."""
    first = np.full(wrong.shape[1], np.inf)
    if watch.labels >= len(wrong):
        return first
    counts, which = np.unique(wrong[: watch.labels].sum(axis=0), return_inverse=True)
    monitors = [LossMonitor(LossReference(count / watch.labels, watch.labels), rule) for count in counts.tolist()]
    walks = [monitor.rise.walk() for monitor in monitors]
    limits = np.array([walk_boundary(walk, one.rate.by_label()) for walk, one in zip(walks, monitors, strict=True)])
    up, down = (np.array([getattr(walk, name) for walk in walks])[which] for name in ("up", "down"))
    state = np.zeros(first.size, dtype=np.int64)
    for label, errors_now in enumerate(wrong[watch.labels :][: rule.horizon], start=1):
        state = np.where(errors_now, state + up, np.maximum(state - down, 0))
        crossed = (state >= limits[which, label]) & np.isinf(first)
        first[crossed] = watch.labels + label
    return first


def costs(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for dear in DEAR:
        started, rng = time.process_time(), np.random.default_rng(options.seed)
        found = np.array([_error_and_cost(rng, dear, FIRST + RULE.horizon, 0) for _ in range(options.cost_streams)])
        line: dict[str, object] = {"dear": dear, "level": 0.05, "streams": options.cost_streams}
        for name, one in (("error", found[:, 0]), ("cost", found[:, 1]), ("either", found.min(axis=1))):
            line[f"stable_alarm_of_{name}"] = round(float(np.isfinite(one).mean()), 4)
        for labels in (500, 1000):
            late = np.array([_error_and_cost(rng, dear, labels, WATCHED) for _ in range(options.cost_streams)])
            line[f"error_rise_after_{labels}"] = delay(late[:, 0], labels)
            line[f"cost_rise_after_{labels}"] = delay(late[:, 1], labels)
        dearer = [_error_and_cost(rng, dear, FIRST, WATCHED, dear_only=True) for _ in range(options.cost_streams)]
        line["error_rise_of_dear_ones"], line["cost_rise_of_dear_ones"] = (
            delay(one, FIRST) for one in np.array(dearer).T
        )
        yield line | {"reach": "<= 0.05 each", "cpu_s": round(time.process_time() - started, 1)}


def _error_and_cost(
    rng: np.random.Generator, dear: float, stable: int, risen: int, *, dear_only: bool = False
) -> tuple[float, float]:
    """The labels with which error and cost of one stream alarm. The rise: five points more errors of the same kinds, or
    2.5 points more of the dear ones alone."""
    chance = np.append(np.full(stable, 0.05), np.full(risen, 0.075 if dear_only else 0.1))
    of_dear = np.append(np.full(stable, SHARE_OF_DEAR), np.full(risen, 0.4 if dear_only else SHARE_OF_DEAR))
    wrong = rng.random(chance.size) < chance
    cost = np.where(wrong, np.where(rng.random(chance.size) < of_dear, 1.0, 1 / dear), 0.0)
    seen = cost[:FIRST]
    shift = RULE.shift * (float(seen[seen > 0].mean()) if seen.any() else 1.0)
    return _first(np.where(wrong, 1.0, 0.0), RULE), _first(cost, replace(RULE, shift=shift))


def _first(losses: Floats, rule: MonitorRule) -> float:
    ones = np.ones(losses.size)
    stream = WatchedStream(losses, ones, ones, lambda labels: estimated_reference(losses[:labels], np.ones(labels)))
    rise = follow(stream, WATCHES, rule).rise
    return np.inf if rise is None else float(rise.alarm + 1)


PARTS = {"errors": errors, "costs": costs}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor_growing", description="Alarms of the product.")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--levels", type=float, nargs="*", default=LEVELS, help="shares of errors")
    parser.add_argument("--cost-streams", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
