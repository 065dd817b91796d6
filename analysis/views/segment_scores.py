"""Mean scores of a performance report by segment, as the page shows them."""

from dataclasses import dataclass

from analysis.metrics.core.stored import StoredEstimate
from analysis.reports.kinds.performance import PerformanceBody
from analysis.views.performance_query import PerformanceQuery, items_url
from projects.models import Project


@dataclass(frozen=True)
class SegmentScoreRow:
    """The mean score of the items with one value of a segment, and where they are listed."""

    value: str
    score: StoredEstimate
    url: str


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
            tuple(
                SegmentScoreRow(one.value, one.score, items_url(project, state, segment=f"{name}={one.value}"))
                for one in body.segments
                if one.name == name
            ),
        )
        for name in names
    ]
