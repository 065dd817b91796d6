"""Performance class by class: confusion matrix, precision and recall, and their curves over the threshold."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analysis.live_estimates import labels_performance
from analysis.metrics.core.stored import StoredBand, StoredEstimate, finite_list, stored_band, stored_estimate
from analysis.metrics.performance import threshold_curve
from analysis.metrics.performance.classification import OVERALL_METRICS, Performance
from analysis.samples import ClassCodes, EvaluationSample

CURVE_POINTS = 61
MOST_CURVES = 50


class PerClass(Struct, frozen=True):
    """One class. labelled: items truly of it; predicted: items that the version calls it."""

    label: str
    labelled: int
    predicted: int
    precision: StoredEstimate
    recall: StoredEstimate
    f1: StoredEstimate


class ClassCurve(Struct, frozen=True):
    """One class against the rest: precision and recall at each threshold of its score."""

    label: str
    threshold: list[float | None]
    precision: StoredBand
    recall: StoredBand
    base_rate: float


class ClassesPart(Struct, frozen=True):
    """Figures of a version that answers with classes. counts: items by truth (rows) and prediction (columns)."""

    labels: list[str]
    accuracy: StoredEstimate
    macro_f1: StoredEstimate
    log_loss: StoredEstimate
    brier: StoredEstimate
    roc_auc: StoredEstimate
    pr_auc: StoredEstimate
    per_class: list[PerClass]
    counts: list[list[int]]
    curves: list[ClassCurve]


def classes_part(sample: EvaluationSample, measured: Performance | None) -> ClassesPart | None:
    """The figures of a sample and its curves, as a report stores them; None for a kind without classes."""
    codes = sample.codes
    if measured is None or codes is None:
        return None
    return ClassesPart(
        labels=list(codes.names),
        **{name: stored_estimate(getattr(measured, name)) for name in OVERALL_METRICS},
        per_class=_per_class(measured),
        counts=measured.counts.tolist(),
        curves=_curves(sample, codes),
    )


def per_class_of(sample: EvaluationSample, part: NDArray[np.bool_]) -> list[PerClass]:
    """Precision and recall of each class over a part (n,) of the sample; none for a kind without classes."""
    measured = measure_classes(sample, part, probabilities=False)
    return _per_class(measured) if measured else []


def measure_classes(
    sample: EvaluationSample, part: NDArray[np.bool_], *, probabilities: bool = True
) -> Performance | None:
    """Metrics of a part (n,) of the sample from its labels alone; None for a kind without classes."""
    codes = sample.codes
    return labels_performance(sample, codes, part, probabilities=probabilities) if codes else None


def _per_class(measured: Performance) -> list[PerClass]:
    return [
        PerClass(
            label=one.label,
            labelled=one.labelled,
            predicted=one.predicted,
            precision=stored_estimate(one.precision),
            recall=stored_estimate(one.recall),
            f1=stored_estimate(one.f1),
        )
        for one in measured.per_class
    ]


def _curves(sample: EvaluationSample, codes: ClassCodes) -> list[ClassCurve]:
    if codes.probabilities is None or len(codes.names) > MOST_CURVES:
        return []
    found = []
    for code, name in enumerate(codes.names):
        truth = codes.truth == code
        if truth.any() and not truth.all():
            found.append(_curve(sample, name, truth, codes.probabilities[:, code]))
    return found


def _curve(sample: EvaluationSample, name: str, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> ClassCurve:
    drawn = sample.design()
    curve = threshold_curve.threshold_curve(truth, scores, drawn, at_most=CURVE_POINTS)
    return ClassCurve(
        label=name,
        threshold=finite_list(curve.thresholds),
        precision=stored_band(curve.precision),
        recall=stored_band(curve.recall),
        base_rate=float(np.average(truth, weights=drawn.weight)),
    )
