"""Performance of one version: how right it is, over time and by segment, and class by class where there are classes."""

import hashlib
import json
import math

from msgspec import Struct, field

from analysis.changes import StoredChange, find_change, segments_of
from analysis.class_performance import ClassesPart, classes_part
from analysis.decision_costs import DecisionCosts, decision_costs, fingerprint
from analysis.evaluation_design import AS_SERVED
from analysis.live_estimates import estimate_live
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.samples import EvaluationSample
from analysis.score_history import SegmentScore, SeriesPoint, score_series, segment_scores
from analysis.unlabelled_accuracy import UnlabelledAccuracy, unlabelled_accuracy
from analysis.windows import WINDOWS
from projects.models import Project

TEN_POINTS = 0.1
ENOUGH_AUDITED = 60
"""Audit labels that give an interval of about ±10 points to a score of 80 %, where nothing is known yet."""


class PerformanceBody(Struct, frozen=True, tag_field="version", tag=4):
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
        segments, history = segments_of(rows.project, sample), segments_of(rows.project, served)
        values = json.dumps([segments, history])
        inputs = f"{sample.hash} {served.hash} {everything.hash} {fingerprint(rows.project)} {values}"

        def compute() -> PerformanceBody:
            by_segment = segment_scores(sample, segments, served, history)
            unlabelled = unlabelled_accuracy(rows.project, everything, at=rows.at, days=days)
            return _body(sample, served, rows.project, by_segment, unlabelled)

        return Computation(hashlib.sha256(inputs.encode()).hexdigest(), compute)


def _body(
    sample: EvaluationSample,
    served: EvaluationSample,
    project: Project,
    segments: list[SegmentScore],
    unlabelled: UnlabelledAccuracy,
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
        series=score_series(served),
        segments=segments,
        change=find_change(project, served),
        classes=classes_part(sample, found.classes),
        costs=decision_costs(sample, project) if len(sample) else None,
        unlabelled=unlabelled,
    )


KIND = PerformanceReport()
