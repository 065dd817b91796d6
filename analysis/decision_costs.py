"""Cost of decisions about the positive label: by today's rule, the cheapest threshold and the cheapest review band."""

from typing import Any

import numpy as np

from analysis.metrics.core import weighted
from analysis.metrics.performance import thresholds
from analysis.metrics.performance.threshold_curve import Costs
from analysis.samples import EvaluationSample
from projects.models import Project


def fingerprint(project: Project) -> str:
    """What of the project the figures depend on; empty where it names no costs."""
    return f"{project.positive}|{project.cost_settings()}" if project.costs else ""


def decision_costs(frame: EvaluationSample, project: Project) -> dict[str, Any] | None:
    """Cost per decision of each rule with its 95 % interval, or None where the project names no costs."""
    given = project.cost_settings()
    if given is None or project.positive not in frame.classes:
        return None
    code = frame.classes.index(project.positive)
    truth, accepted = frame.truth == code, frame.predicted == code
    if not truth.any() or truth.all():
        return None
    prices = Costs(given.false_positive, given.false_negative, given.review or 0.0)
    paid = np.select([accepted & ~truth, ~accepted & truth], [prices.false_positive, prices.false_negative])
    rows: list[dict[str, Any]] = [
        {"rule": "Today: the highest score wins", **_cost(weighted.mean(paid, frame.inclusion_probability))}
    ]
    if frame.probabilities is not None:
        arrays = (truth, frame.probabilities[:, code], frame.inclusion_probability)
        cut = thresholds.cheapest_threshold(*arrays, costs=prices)
        rows.append({"rule": f"Take it for {project.positive} from {cut.low:.2f} on", **_cost(cut.cost)})
        if given.review is not None:
            band = thresholds.cheapest_band(*arrays, costs=prices)
            words = f"Ask a person from {band.low:.2f} to {band.high:.2f}"
            rows.append({"rule": words, "review": band.review.value, **_cost(band.cost)})
    return {"positive": project.positive, "rows": rows, "note": thresholds.SAME_ITEMS}


def _cost(estimate: weighted.Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}
