"""Do 95 % intervals of live metrics hold the truth 95 % of the time, with labels asked where the model is uncertain?

    python -m benchmarks.intervals [--projects 1000] [--seed 0] [--scenarios rare five ...]

One JSON line per metric: the share of simulated projects whose interval held the truth, for three readings of the same
labels. `process` and `window` weigh each label by its inclusion probability (the truth being that of endless traffic,
or of the project's own items, labelled or not); `naive` takes the labels as they are. Each project draws its own number
of classes, how rare they are, how good and how overconfident its model is, how many items it has, how many of the most
uncertain are labelled for certain, and which share of the others is audited. --scenarios adds the same for fixed
settings.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from analysis.metrics.core.design import design
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.performance import paired
from analysis.metrics.performance.classification import classification
from analysis.metrics.performance.risk_coverage import risk_coverage
from analysis.metrics.performance.threshold_curve import Costs
from analysis.metrics.performance.thresholds import band_at

Floats = NDArray[np.float64]
Measured = dict[str, Estimate]
ENDLESS = 200_000
COSTS = Costs(false_positive=1, false_negative=5, review=0.4)


@dataclass(frozen=True)
class IntervalScenario:
    """Where a project's items come from: logits normal around `lean` (k,), the model's as noisy and too bold."""

    lean: tuple[float, ...]
    spread: float
    overconfidence: float
    noise: float
    items: int
    active: int
    audit: float


@dataclass(frozen=True)
class Traffic:
    """truth (n,); scores of the model and of a rival (n, k)."""

    truth: NDArray[np.int64]
    scores: Floats
    rival: Floats

    def at(self, rows: NDArray[np.intp]) -> Traffic:
        return Traffic(self.truth[rows], self.scores[rows], self.rival[rows])


SCENARIOS = {
    "balanced": IntervalScenario((0.0, 0.0), 2.0, 1.3, 0.5, 4_000, 200, 0.1),
    "one_in_six": IntervalScenario((1.1, -1.1), 1.6, 1.3, 0.5, 10_000, 300, 0.05),
    "rare": IntervalScenario((2.2, -2.2), 1.7, 1.3, 0.5, 20_000, 500, 0.04),
    "five": IntervalScenario((1.0, 0.5, 0.0, -0.5, -1.0), 3.0, 1.3, 0.5, 8_000, 400, 0.06),
    "small": IntervalScenario((0.0, 0.0), 2.0, 1.3, 0.5, 2_000, 100, 0.1),
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    report("any", any_scenario, options.projects, options.seed)
    for name in options.scenarios:
        report(name, partial(_same, SCENARIOS[name]), options.projects, options.seed)


def report(name: str, scenario_of: Callable[[np.random.Generator], IntervalScenario], projects: int, seed: int) -> None:
    started = time.process_time()
    held, widths = coverage(scenario_of, projects, seed)
    for metric, readings in held.items():
        print(
            json.dumps(
                {
                    "benchmark": "intervals",
                    "scenario": name,
                    "metric": metric,
                    "projects": projects,
                    **{reading: round(float(np.mean(hits)), 4) for reading, hits in readings.items()},
                    "width": round(float(np.mean(widths[metric])), 4),
                }
            ),
            flush=True,
        )
    seconds = round(time.process_time() - started, 1)
    print(json.dumps({"benchmark": "intervals", "scenario": name, "cpu_seconds": seconds}), flush=True)


def coverage(
    scenario_of: Callable[[np.random.Generator], IntervalScenario], projects: int, seed: int
) -> tuple[dict[str, dict[str, list[bool]]], dict[str, list[float]]]:
    """For each metric and reading, whether each project's interval held the truth; widths of the process's."""
    held: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    widths: dict[str, list[float]] = defaultdict(list)
    for project in range(projects):
        rng = np.random.default_rng([seed, project])
        for metric, reading, truth, found in _project(scenario_of(rng), rng):
            if truth.value is None or found.low is None or found.high is None:
                continue
            name = metric.split(":")[0]
            held[name][reading].append(bool(found.low <= truth.value <= found.high))
            if reading == "process":
                widths[name].append(found.high - found.low)
    return held, widths


def _project(scenario: IntervalScenario, rng: np.random.Generator) -> Iterator[tuple[str, str, Estimate, Estimate]]:
    endless = measured(draw(scenario, ENDLESS, rng), np.ones(ENDLESS))
    items = draw(scenario, scenario.items, rng)
    own = measured(items, np.ones(scenario.items))
    rows, inclusion = chosen(items.scores, scenario, rng)
    asked = items.at(rows)
    readings = {
        "process": (measured(asked, inclusion), endless),
        "window": (measured(asked, inclusion, population=scenario.items), own),
        "naive": (measured(asked, np.ones(rows.size)), endless),
    }
    for reading, (found, truth) in readings.items():
        for metric, estimate in found.items():
            yield metric, reading, truth[metric], estimate


def _same(scenario: IntervalScenario, rng: np.random.Generator) -> IntervalScenario:
    return scenario


def any_scenario(rng: np.random.Generator) -> IntervalScenario:
    k = int(rng.choice([2, 2, 3, 5]))
    lean = np.sort(rng.normal(size=k) * rng.uniform(0, 1.2))
    items = int(rng.integers(2_000, 20_000))
    return IntervalScenario(
        lean=tuple(float(v) for v in lean - lean.mean()),
        spread=float(rng.uniform(1.5, 3.5)),
        overconfidence=float(rng.uniform(0.8, 1.5)),
        noise=float(rng.uniform(0.2, 1.0)),
        items=items,
        active=int(rng.integers(100, 500)),
        audit=float(np.clip(rng.uniform(150, 500) / items, 0.01, 0.3)),
    )


def draw(scenario: IntervalScenario, n: int, rng: np.random.Generator) -> Traffic:
    logits = rng.normal(size=(n, len(scenario.lean))) * scenario.spread + np.array(scenario.lean)
    truth = (softmax(logits, axis=1).cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    model, rival = (
        softmax(logits * scenario.overconfidence + rng.normal(size=logits.shape) * noise, axis=1)
        for noise in (scenario.noise, scenario.noise + 0.3)
    )
    return Traffic(truth, model, rival)


def chosen(scores: Floats, scenario: IntervalScenario, rng: np.random.Generator) -> tuple[NDArray[np.intp], Floats]:
    """Rows to label and their inclusion probabilities: the most uncertain for certain, a uniform audit of the rest."""
    top = np.partition(scores, -2, axis=1)[:, -2:]
    active = np.zeros(scenario.items, dtype=bool)
    active[np.argpartition(top[:, 1] - top[:, 0], scenario.active)[: scenario.active]] = True
    rows = np.flatnonzero(active | (rng.random(scenario.items) < scenario.audit))
    return rows, np.where(active[rows], 1.0, scenario.audit)


def measured(traffic: Traffic, inclusion: Floats, population: int | None = None) -> Measured:
    """Every estimate to be judged; per-class ones carry their class after a colon."""
    k = traffic.scores.shape[1]
    names = [str(c) for c in range(k)]
    price = np.ones((k, k)) - np.eye(k)
    price[-1, 0] = 5
    drawn = design(inclusion, population=population)
    called, other = traffic.scores.argmax(axis=1), traffic.rival.argmax(axis=1)
    found = classification(traffic.truth, called, drawn, classes=names, probabilities=traffic.scores, costs=price)
    gain = (other == traffic.truth).astype(float) - (called == traffic.truth)
    wrong, sure = (called != traffic.truth).astype(float), traffic.scores.max(axis=1)
    band = band_at(traffic.truth == 0, traffic.scores[:, 0], drawn, low=0.2, high=0.7, costs=COSTS)
    overall = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc", "cost")
    return {
        **{name: getattr(found, name) for name in overall},
        **{f"{name}:{c.label}": getattr(c, name) for c in found.per_class for name in ("precision", "recall", "f1")},
        "difference in accuracy": paired.difference(gain, 1 / inclusion, level=0.95).as_share,
        **{f"band {name}": getattr(band, name) for name in ("cost", "automation", "error", "precision", "recall")},
        "aurc": risk_coverage(wrong, sure, drawn).aurc,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenarios", nargs="*", default=[], choices=sorted(SCENARIOS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
