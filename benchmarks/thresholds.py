"""What does a threshold or a review band cost that was chosen on few, unevenly sampled labels? And is it calibrated?

    python -m benchmarks.thresholds [--projects 300] [--seed 0]

JSON lines. `thresholds`: cost per decision on endless traffic of the cut and of the band that were chosen on one
project's labels, above the cheapest there is, and what those labels said it costs against what it does, both in
percent; `weighed` by inclusion probability, or `naive`, the labels as they are. `calibration`: share of projects in
which Spiegelhalter's test rejects at 5 %, the expected calibration error as it is and corrected for its bias beside
the true one, and how often its interval holds that.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.metrics.core.design import design
from analysis.metrics.performance.calibration import calibration
from analysis.metrics.performance.threshold_curve import Costs
from analysis.metrics.performance.thresholds import ReviewBand, band_at, cheapest_band, cheapest_threshold
from benchmarks.intervals import ENDLESS, SCENARIOS, Floats, IntervalScenario, Traffic, chosen, draw

COSTS = Costs(false_positive=1, false_negative=5, review=0.4)
CHOICES: dict[str, Callable[..., ReviewBand]] = {"one cut": cheapest_threshold, "review band": cheapest_band}
# A model that means what it says, and the same one said too boldly.
CALIBRATED = replace(SCENARIOS["one_in_six"], overconfidence=1.0, noise=0.0)
OVERCONFIDENT = replace(CALIBRATED, overconfidence=1.5)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for name in ("balanced", "one_in_six", "rare"):
        for line in chosen_cuts(SCENARIOS[name], options.projects, options.seed):
            _print("thresholds", scenario=name, projects=options.projects, **line)
    for name, scenario in (("calibrated", CALIBRATED), ("overconfident", OVERCONFIDENT)):
        _print(
            "calibration",
            model=name,
            projects=options.projects,
            **calibration_figures(scenario, options.projects, options.seed),
        )


def chosen_cuts(scenario: IntervalScenario, projects: int, seed: int) -> Iterator[dict[str, Any]]:
    """For each choice its cheapest cost, how much more cuts cost that few labels chose, and what those labels said."""
    started, endless = time.process_time(), draw(scenario, ENDLESS, np.random.default_rng([seed, 1]))
    everywhere = endless.truth == 1, endless.scores[:, 1], design(np.ones(ENDLESS))
    for name, choose in CHOICES.items():
        best = _cost(choose(*everywhere, costs=COSTS))
        above: dict[str, list[float]] = defaultdict(list)
        labels = []
        for project in range(projects):
            asked, inclusion = _project(scenario, np.random.default_rng([seed, 2, project]))
            labels.append(inclusion.size)
            for reading, chances in (("weighed", inclusion), ("naive", np.ones(inclusion.size))):
                cut = choose(asked.truth == 1, asked.scores[:, 1], design(chances), costs=COSTS)
                there = _cost(band_at(*everywhere, low=cut.low, high=cut.high, costs=COSTS))
                above[f"{reading}_above_percent"].append(100 * (there / best - 1))
                above[f"{reading}_said_percent"].append(100 * (_cost(cut) / there - 1))
        yield {
            "choice": name,
            "labels": round(float(np.mean(labels))),
            "cheapest": round(best, 4),
            **{figure: round(float(np.mean(found)), 1) for figure, found in above.items()},
            "cpu_seconds": round(time.process_time() - started, 1),
        }


def calibration_figures(scenario: IntervalScenario, projects: int, seed: int) -> dict[str, Any]:
    started, endless = time.process_time(), draw(scenario, ENDLESS, np.random.default_rng([seed, 3]))
    true = calibration(endless.truth == 1, endless.scores[:, 1], design(np.ones(ENDLESS))).ece.value or 0.0
    found = []
    for project in range(projects):
        asked, inclusion = _project(scenario, np.random.default_rng([seed, 4, project]))
        found.append(calibration(asked.truth == 1, asked.scores[:, 1], design(inclusion)))
    rejected = [c.test.p is not None and c.test.p < 0.05 for c in found]
    held = [c.ece.low is not None and c.ece.high is not None and c.ece.low <= true <= c.ece.high for c in found]
    return {
        "labels": round(float(np.mean([c.n for c in found]))),
        "rejected": round(float(np.mean(rejected)), 4),
        "ece_true": round(true, 4),
        "ece_plain": round(float(np.mean([c.ece_plain for c in found])), 4),
        "ece_corrected": round(float(np.mean([c.ece.value for c in found])), 4),
        "ece_interval_holds": round(float(np.mean(held)), 4),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def _project(scenario: IntervalScenario, rng: np.random.Generator) -> tuple[Traffic, Floats]:
    items = draw(scenario, scenario.items, rng)
    rows, inclusion = chosen(items.scores, scenario, rng)
    return items.at(rows), inclusion


def _cost(band: ReviewBand) -> float:
    assert band.cost.value is not None
    return band.cost.value


def _print(benchmark: str, **figures: Any) -> None:
    print(json.dumps({"benchmark": benchmark, **figures}), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
