"""Mean scores of a performance report by segment, as the page shows them."""

from dataclasses import dataclass

from analysis.metrics.core.stored import StoredEstimate
from analysis.metrics.performance.classification import OVERALL_METRICS
from analysis.reports.kinds.performance import PerformanceBody
from analysis.score_history import SegmentScore
from analysis.views.performance_query import PerformanceQuery, items_url
from projects.models import Project


@dataclass(frozen=True)
class SegmentScoreRow:
    """The mean score of the items with one value of a segment, and where they are listed."""

    value: str
    score: StoredEstimate
    url: str
    page: str
    current: bool
    named: str


@dataclass(frozen=True)
class SegmentTable:
    """A segment's values, those with the most labelled items first."""

    name: str
    rows: tuple[SegmentScoreRow, ...]


def segments(project: Project, body: PerformanceBody, state: PerformanceQuery) -> list[SegmentTable]:
    names = dict.fromkeys(one.name for one in body.segments)
    return [
        SegmentTable(
            name,
            tuple(_row(project, one, state) for one in body.segments if one.name == name),
        )
        for name in names
    ]


def _row(project: Project, one: SegmentScore, state: PerformanceQuery) -> SegmentScoreRow:
    segment = f"{one.name}={one.value}"
    page = state.url(project, segment=segment)
    named = f"{one.name} {one.value or 'none'}"
    url = items_url(project, state, segment=segment)
    return SegmentScoreRow(one.value, one.score, url, page, segment == state.segment, named)


def find_segment(body: PerformanceBody, segment: str) -> SegmentScore | None:
    """The scores of the segment that an address names as name=value."""
    return next((one for one in body.segments if f"{one.name}={one.value}" == segment), None)


METRIC_WORDS = {
    "macro_f1": "F1, mean of the classes",
    "log_loss": "Log loss ↓",
    "brier": "Brier score ↓",
    "roc_auc": "ROC area, mean of the classes",
    "pr_auc": "PR area, mean of the classes",
}


@dataclass(frozen=True)
class MetricRow:
    """One metric of the segment beside that of all items."""

    words: str
    here: StoredEstimate
    all: StoredEstimate | None


def metric_rows(body: PerformanceBody, chosen: SegmentScore) -> list[MetricRow]:
    """The metrics of a segment; that of all items stands beside each."""
    name = "Accuracy" if body.has_classes else "Mean score"
    rows = [MetricRow(name, chosen.score, body.score)]
    for metric in OVERALL_METRICS:
        if metric in chosen.metrics:
            whole = getattr(body.classes, metric, None)
            rows.append(MetricRow(METRIC_WORDS[metric], chosen.metrics[metric], whole))
    return rows
