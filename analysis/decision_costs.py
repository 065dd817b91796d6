"""Cost of decisions about the positive label: by today's rule, the cheapest threshold and the cheapest review band."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analysis.live_estimates import live_cost
from analysis.metrics.core import weighted
from analysis.metrics.core.design import Design
from analysis.metrics.core.stored import StoredEstimate, finite, stored_estimate
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.performance import thresholds
from analysis.metrics.performance.threshold_curve import Costs
from analysis.samples import EvaluationSample
from projects.models import Project
from projects.project_settings import CostSettings


def fingerprint(project: Project) -> str:
    """What of the project the figures depend on; empty where it names no costs."""
    return f"{project.positive}|{project.cost_settings()}" if project.costs else ""


class RuleCost(Struct, frozen=True):
    """Cost of a decision by one rule.

    rule: the highest score wins; the positive label from a score of `low` on; a person is asked from `low` to `high`,
    which is the share `review` of the items.
    """

    rule: Literal["highest_score", "threshold", "review_band"]
    cost: StoredEstimate
    low: float | None = None
    high: float | None = None
    review: float | None = None


class DecisionCosts(Struct, frozen=True):
    """Costs of decisions about the positive label, in the unit of the project's costs."""

    positive: str
    rules: list[RuleCost]


@dataclass(frozen=True)
class AnswerCosts:
    """What each answer of a sample costs, (n,); table (k, k): costs by truth and answer."""

    costs: NDArray[np.float64]
    table: NDArray[np.float64]

    @property
    def dearest(self) -> float:
        return float(self.table.max())

    def mean(self, rows: NDArray[np.intp], drawn: Design) -> Estimate:
        """Mean cost of some rows, which were drawn so."""
        paid = self.costs[rows]
        return weighted.mean_price([(float(price), paid == price) for price in np.unique(self.table)], drawn)


def answer_costs(sample: EvaluationSample, project: Project) -> AnswerCosts | None:
    """By today's rule, the highest score; None where the project names no costs, or where all are 0."""
    given, codes = project.cost_settings(), sample.codes
    if given is None or codes is None or project.positive not in codes.names:
        return None
    table = _prices(given).table(codes.names.index(project.positive), len(codes.names))
    return AnswerCosts(table[codes.truth, codes.predicted], table) if table.any() else None


def _prices(given: CostSettings) -> Costs:
    return Costs(given.false_positive, given.false_negative, given.review or 0.0)


def decision_costs(sample: EvaluationSample, project: Project) -> DecisionCosts | None:
    """Cost per decision of each rule with its 95 % interval, or None where the project names no costs."""
    given, codes = project.cost_settings(), sample.codes
    if given is None or codes is None or project.positive not in codes.names:
        return None
    code, drawn = codes.names.index(project.positive), sample.design()
    truth = codes.truth == code
    if not truth.any() or truth.all():
        return None
    prices = _prices(given)
    table = prices.table(code, len(codes.names))
    rules = [RuleCost("highest_score", stored_estimate(live_cost(sample, table)))]
    if codes.probabilities is not None:
        scores = codes.probabilities[:, code]
        cut = thresholds.cheapest_threshold(truth, scores, drawn, costs=prices)
        rules.append(RuleCost("threshold", stored_estimate(cut.cost), low=cut.low))
        if given.review is not None:
            band = thresholds.cheapest_band(truth, scores, drawn, costs=prices)
            if share := finite(band.review.value):  # without it nobody is asked: the rule is the threshold's
                rules.append(RuleCost("review_band", stored_estimate(band.cost), band.low, band.high, share))
    return DecisionCosts(project.positive, rules)
