"""Charts over time: a measure in stretches of time, each point a link to the items that it was measured with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from analysis import charts
from analysis.metrics.core.stored import StoredEstimate
from analysis.release_events import ReleaseEvent
from analysis.reports.kinds.performance import PerformanceBody
from analysis.score_history import SegmentScore, SeriesPoint
from projects.formatting import number
from projects.models import Project

A_DAY = 86_400.0
FEW = 5  # labels below which a point stands alone: a line through it would show chance as change


class Drawn(NamedTuple):
    """A chart at the width of its panel, and once more for a phone: scaled down, its words could not be read."""

    svg: SafeString
    narrow: SafeString


@dataclass(frozen=True)
class TimeRow:
    """One stretch of time in the table beside a chart, with the address of its items."""

    start: str
    end: str
    estimate: StoredEstimate
    url: str


@dataclass(frozen=True)
class TimeChart:
    """A line over time with a mark for every release, and its table."""

    name: str
    svg: SafeString
    narrow: SafeString
    rows: tuple[TimeRow, ...]

    @property
    def last(self) -> TimeRow:
        return self.rows[-1]


Series = Sequence[tuple[SeriesPoint, StoredEstimate]]


def score_name(body: PerformanceBody) -> str:
    return "Accuracy" if body.has_classes else "Mean score"


def score_over_time(
    project: Project, body: PerformanceBody, releases: Sequence[ReleaseEvent], *, width: int
) -> TimeChart | None:
    """The mean score of what was served; None where no stretch of time has enough labels."""
    name = score_name(body)
    label = f"{name} of what was served, over time"
    return _chart(project, [(point, point.score) for point in body.series], releases, name, label, width=width)


def segment_over_time(
    project: Project, name: str, chosen: SegmentScore, releases: Sequence[ReleaseEvent], *, width: int
) -> TimeChart | None:
    """The same of the items with one value of a segment; `name` is that of the score."""
    segment = f"{chosen.name}={chosen.value}"
    series = [(point, point.score) for point in chosen.series]
    label = f"{name} of what was served in {chosen.name} {chosen.value}, over time"
    return _chart(project, series, releases, name, label, width=width, segment=segment)


def class_over_time(
    project: Project, body: PerformanceBody, releases: Sequence[ReleaseEvent], label: str
) -> dict[str, TimeChart | None]:
    """Precision and recall of one class."""
    points = [(point, one) for point in body.series for one in point.classes if one.label == label]

    def chart(name: str, series: Series, **filters: str) -> TimeChart | None:
        return _chart(project, series, releases, name, f"{name} of {label} over time", width=390, **filters)

    return {
        "precision": chart("Precision", [(point, one.precision) for point, one in points], says=label),
        "recall": chart("Recall", [(point, one.recall) for point, one in points], truth=label),
    }


def _chart(
    project: Project,
    series: Series,
    releases: Sequence[ReleaseEvent],
    name: str,
    label: str,
    *,
    width: int,
    **filters: str,
) -> TimeChart | None:
    """A line through the points whose value is known. `filters` are those of the items behind it."""
    known = [(point, found) for point, found in series if found.value is not None]
    if not known:
        return None
    stamps = [event.at.timestamp() for event in releases]
    first, last = min([known[0][0].start, *stamps]), max([known[-1][0].end, *stamps])
    span = known[-1][0].end - known[0][0].start
    rows = tuple(_row(project, point, found, filters, span=span) for point, found in known)
    draw = partial(
        charts.line,
        [_point(point, row) for (point, _), row in zip(known, rows, strict=True)],
        label=label,
        x_axis=charts.XAxis(time_ticks(first, last)),
        discs="all",
        releases=[charts.Mark(stamp, event.version) for stamp, event in zip(stamps, releases, strict=True)],
    )
    svg, narrow = drawn(draw, width)
    return TimeChart(name, svg, narrow, rows)


def _row(
    project: Project, point: SeriesPoint, found: StoredEstimate, filters: dict[str, str], *, span: float
) -> TimeRow:
    ends = {"since": _stamp(point.first), "until": _stamp(point.last)}
    query = urlencode({"served": "yes", **filters, **ends})
    url = f"{reverse('analysis:item-list', args=[project.slug])}?{query}"
    start, end = (day(at) if span >= A_DAY else f"{day(at)} {clock(at)}" for at in (point.start, point.end))
    return TimeRow(start, end, found, url)


def _point(point: SeriesPoint, row: TimeRow) -> charts.Point:
    found = row.estimate
    words = f"{row.start} to {row.end}: {number(found.value, 3)}, n {number(found.n)}"
    middle = (point.start + point.end) / 2
    return charts.Point(middle, found.value or 0.0, found.low, found.high, words, row.url, few=found.n < FEW)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def drawn(draw: Callable[..., str], width: int) -> Drawn:
    return Drawn(mark_safe(draw(width=width)), mark_safe(draw(width=charts.PHONE_WIDTH)))


def time_ticks(first: float, last: float) -> list[tuple[float, str]]:
    """Both ends and the middle of a stretch of time: days, or within a day hours; each word once."""
    words = day if last - first >= A_DAY else clock
    found = {words(at): at for at in (last, (first + last) / 2, first)}
    return sorted((at, word) for word, at in found.items())


def day(stamp: float) -> str:
    moment = _local(stamp)
    return f"{moment.day} {moment:%b}"


def clock(stamp: float) -> str:
    return f"{_local(stamp):%H:%M}"


def _local(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, timezone.get_current_timezone())
