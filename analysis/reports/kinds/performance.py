"""Performance of one version: how right it is, over time and by segment, and class by class where there are classes."""

import hashlib
import math

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from analysis.changes import StoredChange, find_change, segments_of
from analysis.class_performance import ClassesPart, PerClass, classes_part, per_class_of
from analysis.decision_costs import DecisionCosts, decision_costs, fingerprint
from analysis.evaluation_design import AS_SERVED
from analysis.live_estimates import estimate_live, labels_score
from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.samples import EvaluationSample
from analysis.unlabelled_accuracy import UnlabelledAccuracy, unlabelled_accuracy
from analysis.windows import WINDOWS
from projects.models import Project

BINS = 10
LEAST_IN_BIN = 10
MOST_SEGMENTS = 8  # names; each with at most `changes.MOST_VALUES` values


class SeriesPoint(Struct, frozen=True):
    """A stretch of time: the mean score of what was served then, and the figures of each class.

    Times in seconds since the epoch; first, last: when its first and last item happened.
    """

    start: float
    end: float
    first: float
    last: float
    score: StoredEstimate
    classes: list[PerClass] = []


class SegmentScore(Struct, frozen=True):
    """The mean score of the items with one value of a segment."""

    name: str
    value: str
    score: StoredEstimate


TEN_POINTS = 0.1
ENOUGH_AUDITED = 60
"""Audit labels that give an interval of about ±10 points to a score of 80 %, where nothing is known yet."""


class PerformanceBody(Struct, frozen=True, tag_field="version", tag=3):
    """What a performance report stores. series and change are of what was served then, whatever serves now.

    n labelled items, `audit` of them drawn at random, stand for `population`. traffic: items whose scores the estimates
    of the whole window use beside these labels, 0 where they rest on the labels alone. score: the mean score; where
    answers are classes (`has_classes`), the accuracy. classes: None for a kind without classes, and where nothing is
    labelled. unlabelled: the estimate without labels; None in a report that was made before there was one.
    """

    n: int
    audit: int
    population: int
    waiting: int
    has_classes: bool
    score: StoredEstimate
    traffic: int = 0
    series: list[SeriesPoint] = []
    segments: list[SegmentScore] = []
    change: StoredChange | None = None
    classes: ClassesPart | None = None
    costs: DecisionCosts | None = field(default=None)
    unlabelled: UnlabelledAccuracy | None = None

    @property
    def audit_needed(self) -> int:
        """About how many more audit labels give the score an interval of ±10 points; 0 where it has one.

        Half an interval shrinks with the root of the number of labels.
        """
        score = self.score
        if not self.audit or score.low is None or score.high is None:
            return max(ENOUGH_AUDITED - self.audit, 0)
        half = (score.high - score.low) / 2
        enough = round(self.audit * (half / TEN_POINTS) ** 2, 6)
        return max(math.ceil(enough) - self.audit, 0)


class PerformanceReport(ReportKind[PerformanceBody]):
    name = "performance"
    body = PerformanceBody
    of_version = True
    windows = tuple(WINDOWS.values())

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[PerformanceBody]:
        """Of the version's sample, and of what was served then: what it would have said of the past is no history."""
        sample, served, everything = rows.sample(version, days), rows.sample(AS_SERVED, days), rows.sample(version, 0)
        inputs = f"{sample.hash} {served.hash} {everything.hash} {fingerprint(rows.project)}"

        def compute() -> PerformanceBody:
            return _body(
                sample, served, rows.project, unlabelled_accuracy(rows.project, everything, at=rows.at, days=days)
            )

        return Computation(hashlib.sha256(inputs.encode()).hexdigest(), compute)


def _body(
    sample: EvaluationSample, served: EvaluationSample, project: Project, unlabelled: UnlabelledAccuracy
) -> PerformanceBody:
    found = estimate_live(sample)
    return PerformanceBody(
        n=len(sample),
        audit=int(sample.audit.sum()),
        population=sample.population,
        waiting=sample.waiting,
        has_classes=sample.codes is not None,
        score=stored_estimate(found.score),
        traffic=found.traffic,
        series=_series(served),
        segments=_segments(sample, project),
        change=find_change(project, served),
        classes=classes_part(sample, found.classes),
        costs=decision_costs(sample, project) if len(sample) else None,
        unlabelled=unlabelled,
    )


def _series(sample: EvaluationSample) -> list[SeriesPoint]:
    """Equal stretches of time with enough labels in each."""
    if not len(sample):
        return []
    stamps = np.array([moment.timestamp() for moment in sample.at])
    bins = max(1, min(BINS, len(sample) // (2 * LEAST_IN_BIN)))
    edges = np.linspace(stamps[0], stamps[-1], bins + 1)
    place = np.clip(np.searchsorted(edges, stamps, side="right") - 1, 0, bins - 1)
    return [
        _point(sample, place == number, float(edges[number]), float(edges[number + 1]))
        for number in range(bins)
        if (place == number).sum() >= LEAST_IN_BIN
    ]


def _point(sample: EvaluationSample, part: NDArray[np.bool_], start: float, end: float) -> SeriesPoint:
    moments = [moment.timestamp() for moment, inside in zip(sample.at, part, strict=True) if inside]
    score, classes = _score_of_part(sample, part), per_class_of(sample, part)
    return SeriesPoint(start, end, moments[0], moments[-1], score, classes)


def _score_of_part(sample: EvaluationSample, part: NDArray[np.bool_]) -> StoredEstimate:
    """The mean score of a part of the sample as a sample of its own, as precision and recall beside it are."""
    chance, groups = sample.inclusion_probability[part], sample.groups[part]
    return stored_estimate(weighted.score(sample.score[part], chance, groups=groups))


def _segments(sample: EvaluationSample, project: Project) -> list[SegmentScore]:
    """The mean score by each value of each segment, the largest values first."""
    found = []
    for name, values in list(segments_of(project, sample).items())[:MOST_SEGMENTS]:
        column = np.asarray(values, dtype=object)
        names, counts = np.unique(column.astype(str), return_counts=True)
        for value in names[np.argsort(-counts, kind="stable")].tolist():
            found.append(SegmentScore(name, value, stored_estimate(labels_score(sample, column == value))))
    return found


KIND = PerformanceReport()
