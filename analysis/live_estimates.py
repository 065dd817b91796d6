"""Live metrics of a version: from labels and the scores of all traffic where both can be used, else from labels alone.

The one function that picks is `estimate_live`: every page, report and answer that estimates a live metric calls it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.estimates import ratio_metrics
from analysis.metrics.estimates.difference_estimator import AuditSample, estimate
from analysis.metrics.estimates.model_assisted import AssistedClass, assisted, audit_sample, scored_items
from analysis.metrics.estimates.ratio_metrics import ScoredItems
from analysis.metrics.performance.classification import (
    OVERALL_METRICS,
    ClassPerformance,
    Performance,
    classification,
)
from analysis.samples import ClassCodes, EvaluationSample

OF_CLASS = ("precision", "recall", "f1", "roc_auc", "pr_auc")


@dataclass(frozen=True)
class LiveEstimates:
    """score: the mean score, of classes the accuracy. classes: None for a kind without. traffic: items whose scores
    were used beside the labels; 0 = the labels alone."""

    score: Estimate
    classes: Performance | None
    traffic: int


def estimate_live(sample: EvaluationSample) -> LiveEstimates:
    """The estimates of a whole sample: by model assistance where the scores of its traffic can be used."""
    if not len(sample):
        return LiveEstimates(weighted.undefined(weighted.NO_ITEMS), None, 0)
    codes = sample.codes
    if codes is None:
        return LiveEstimates(labels_score(sample), None, 0)
    plain = labels_performance(sample, codes)
    scored = _scored(sample, codes)
    if scored is None:
        return LiveEstimates(labels_score(sample), plain, 0)
    found = assisted(*scored, classes=codes.names)
    overall: dict[str, Any] = {name: _first(getattr(found, name), getattr(plain, name)) for name in OVERALL_METRICS}
    per_class = tuple(_class(one, other) for one, other in zip(plain.per_class, found.per_class, strict=True))
    classes = replace(plain, per_class=per_class, **overall)
    return LiveEstimates(classes.accuracy, classes, scored[0].predicted.size)


def live_cost(sample: EvaluationSample, prices: NDArray[np.float64]) -> Estimate:
    """Mean cost of the answers given; prices (k, k): of predicting the column when the row is true."""
    codes = sample.codes
    assert codes is not None
    if scored := _scored(sample, codes):
        items, drawn = scored
        return estimate(ratio_metrics.cost(items, prices), drawn, level=0.95, empty=weighted.NO_ITEMS)
    paid = prices[codes.truth, codes.predicted]
    return weighted.mean_price([(float(price), paid == price) for price in np.unique(prices)], sample.design())


def labels_score(sample: EvaluationSample, inside: NDArray[np.bool_] | None = None) -> Estimate:
    """The mean score from labels alone, of the whole sample or of the items inside (n,)."""
    return weighted.score(sample.score, sample.inclusion_probability, domain=inside, groups=sample.groups)


def labels_performance(
    sample: EvaluationSample,
    codes: ClassCodes,
    part: NDArray[np.bool_] | None = None,
    *,
    probabilities: bool = True,
) -> Performance:
    """Metrics from labels alone, of a part (n,) of the sample or all of it."""
    rows = slice(None) if part is None else part
    scores = codes.probabilities if probabilities else None
    return classification(
        codes.truth[rows],
        codes.predicted[rows],
        sample.design(part),
        classes=codes.names,
        probabilities=None if scores is None else scores[rows],
    )


def _scored(sample: EvaluationSample, codes: ClassCodes) -> tuple[ScoredItems, AuditSample] | None:
    traffic = sample.traffic
    if traffic is None:
        return None
    items = scored_items(traffic.predicted, traffic.probabilities, labelled=traffic.labelled, truth=codes.truth)
    drawn = audit_sample(items, traffic.inclusion_probability, groups=sample.groups, stands_for=traffic.stands_for)
    return items, drawn


def _class(plain: ClassPerformance, found: AssistedClass) -> ClassPerformance:
    figures: dict[str, Any] = {name: _first(getattr(found, name), getattr(plain, name)) for name in OF_CLASS}
    return replace(plain, **figures)


def _first(found: Estimate, otherwise: Estimate) -> Estimate:
    """An estimate, or the other one where it is undefined."""
    return otherwise if found.value is None else found
