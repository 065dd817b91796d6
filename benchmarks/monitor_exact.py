"""Chance of an alarm of the live monitor over reference and stream together, computed and not simulated.

    python -m benchmarks.monitor_exact [--rows 0 100 300 500 1000 3000] [--levels .01 .05 .1 .2 .4 .6 .8]

For plain errors of 0 and 1 the monitor is a CUSUM with a boundary, so the chance that it crosses is that of a Markov
chain; the number of errors in the reference is binomial, taken at `POINTS` values; 0 rows: the level is known.
`stable`: any alarm over 3,650 labels of the reference's own level. `start` and `late`: a rise by five points from the
start or after 500 stable labels without an alarm: the labels that find half of them, and the shares found within 150
and 1,000.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from analysis.metrics.core.betting import walk_boundary
from analysis.metrics.monitoring.monitor import LossMonitor, MonitorRule
from analysis.metrics.monitoring.reference import LossReference
from validation.arrays import Floats

RULE = MonitorRule()
POINTS = 7
LATE, RISEN = 500, 1500  # stable labels before a rise, and those after it


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for rows in options.rows:
        for level in options.levels:
            print(json.dumps({"benchmark": "monitor_exact", **figures(rows, level)}), flush=True)


def figures(rows: int, level: float) -> dict[str, object]:
    return {
        "rows": rows,
        "level": level,
        "stable": round(float(alarm_chances(rows, level, np.full(RULE.horizon, level))[-1]), 4),
        "start": found_after(rows, level, 0),
        "late": found_after(rows, level, LATE),
    }


def found_after(rows: int, level: float, late: int) -> dict[str, float | None]:
    """How soon a rise after `late` stable labels is found, where there was no alarm before."""
    live = np.append(np.full(late, level), np.full(RISEN, level + RULE.shift))
    chances = alarm_chances(rows, level, live)
    found = (chances[late:] - chances[late]) / (1 - chances[late])
    return {
        "median": float(np.searchsorted(found, 0.5)) if found[-1] >= 0.5 else None,
        "within_150": round(float(found[150]), 3),
        "within_1000": round(float(found[1000]), 3),
    }


def alarm_chances(rows: int, level: float, live: Floats, rule: MonitorRule = RULE) -> Floats:
    """(n + 1,) the chance of an alarm by each of n labels wrong with chances `live`, the reference by `level`."""
    if not rows:
        return crossed(LossReference(level), live, rule)
    parts = [
        weight * crossed(LossReference(errors / rows, rows), live, rule)
        for errors, weight in reference_errors(rows, level)
    ]
    return np.asarray(np.sum(parts, axis=0))


def reference_errors(rows: int, level: float) -> Iterator[tuple[float, float]]:
    """Numbers of errors in a reference, and their chances: neighbours are one value, their mean."""
    count = np.arange(rows + 1)
    chance = stats.binom.pmf(count, rows, level)
    count, chance = count[chance > 1e-5], chance[chance > 1e-5]
    edges = np.linspace(count[0], count[-1] + 1, min(POINTS, count.size) + 1)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (count >= low) & (count < high)
        weight = float(chance[inside].sum())
        yield float(chance[inside] @ count[inside]) / weight, weight


def crossed(reference: LossReference, live: Floats, rule: MonitorRule) -> Floats:
    """(n + 1,) the chance that the CUSUM of such errors has crossed its boundary by each label."""
    monitor = LossMonitor(reference, rule)
    walk = monitor.rise.walk()
    limits = walk_boundary(walk, monitor.rate.by_label())
    found, alive = np.zeros(live.size + 1), np.zeros(walk.states)
    alive[walk.start] = 1.0
    for label, chance in enumerate(live.tolist(), start=1):
        alive = replace(walk, chance=chance).moved(alive)
        found[label] = alive[limits[label] :].sum()
        alive[limits[label] :] = 0.0
    return np.asarray(np.cumsum(found))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor_exact", description="Chances of an alarm.")
    parser.add_argument("--rows", type=int, nargs="*", default=[0, 100, 300, 500, 1000, 3000])
    parser.add_argument("--levels", type=float, nargs="*", default=[0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8])
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
