"""Whether 95 % intervals of model-assisted estimates hold the truth, in projects drawn at random.

Used by `python -m benchmarks.assisted --only coverage`: the share of projects whose interval holds the truth, of
endless traffic (process) or of the project's own items (window).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core.weighted import Estimate
from analysis.metrics.estimates.model_assisted import AssistedPerformance, assisted, audit_sample, scored_items
from annotation.sampling.design.expected_error import (
    FLOORS,
    UNIFORM,
    allocation,
    audit_probabilities,
    error_spread,
)
from benchmarks.audited_traffic import (
    AssistedScenario,
    AuditedTraffic,
    Floats,
    Rng,
    common_scenario,
    of_class,
    rare_scenario,
    true_metrics,
)

ENDLESS = 200_000
RECENT = 5_000
PER_SCENARIO = 10
OVERALL = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc", "cost")
PER_CLASS = ("precision", "recall", "f1")


def coverage(projects: int, seed: int) -> Iterator[dict[str, Any]]:
    for name, scenario_of in (("common", common_scenario), ("rare", rare_scenario)):
        held: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        widths: dict[str, list[float]] = defaultdict(list)
        for number in range(-(-projects // PER_SCENARIO)):
            _cover(scenario_of, number, seed, held, widths)
        for metric, readings in held.items():
            shares = {reading: round(float(np.mean(hits)), 4) for reading, hits in readings.items()}
            yield {
                "projects": name,
                "metric": metric,
                "intervals": len(readings["process"]),
                **shares,
                "width": round(float(np.mean(widths[metric])), 4),
            }


def _cover(
    scenario_of: Callable[[Rng], AssistedScenario],
    number: int,
    seed: int,
    held: dict[str, dict[str, list[bool]]],
    widths: dict[str, list[float]],
) -> None:
    """The projects of one scenario."""
    rng = np.random.default_rng([seed, number])
    scenario = scenario_of(rng)
    many = scenario.traffic(ENDLESS, rng)
    endless = true_metrics(many)
    recent = error_spread(scenario.traffic(RECENT, rng).confidence)
    for _ in range(PER_SCENARIO):
        items = scenario.traffic(scenario.items, rng)
        own = true_metrics(items)
        rows, inclusion = _asked(items, scenario, recent, rng)
        for reading, truth in (("process", endless), ("window", own)):
            found = _measured(_assisted(items, rows, inclusion, finite=reading == "window"))
            for metric, one in found.items():
                if one.low is None or one.high is None or not np.isfinite(truth[metric]):
                    continue
                held[metric.split(":")[0]][reading].append(bool(one.low - 1e-9 <= truth[metric] <= one.high + 1e-9))
                if reading == "process":
                    widths[metric.split(":")[0]].append(one.high - one.low)


def _asked(
    items: AuditedTraffic, scenario: AssistedScenario, recent: Floats, rng: Rng
) -> tuple[NDArray[np.intp], Floats]:
    """Rows to label, and the inclusion probability of all items: the most uncertain for certain, an audit beside."""
    floor = float(rng.choice([*FLOORS, 0.3, 1.0]))
    spread = error_spread(items.confidence)
    how = UNIFORM if floor == 1.0 else allocation(recent, floor=floor)
    probability = audit_probabilities(spread, how, rate=min(1.0, scenario.labels / items.size))
    active = np.zeros(items.size, dtype=bool)
    active[np.argsort(-spread)[: scenario.active]] = True
    rows = np.flatnonzero(active | (rng.random(items.size) < probability))
    return rows, np.where(active, 1.0, probability)


def _measured(found: AssistedPerformance) -> dict[str, Estimate]:
    """Every estimate by its metric."""
    k = len(found.classes)
    return {
        **{name: getattr(found, name) for name in OVERALL},
        **{of_class(name, c, k): getattr(one, name) for c, one in enumerate(found.per_class) for name in PER_CLASS},
    }


def _assisted(
    items: AuditedTraffic, rows: NDArray[np.intp], inclusion: Floats, *, finite: bool = False
) -> AssistedPerformance:
    scored = scored_items(items.predicted, items.scores, labelled=rows, truth=items.truth[rows])
    return assisted(scored, audit_sample(scored, inclusion, finite=finite), classes=items.classes, costs=items.costs)
