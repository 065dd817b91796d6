"""What changed, as the Overview says it: the sentence, the segment table and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from analysis.changes import StoredChange, StoredSegmentChange
from analysis.metrics.core.stored import StoredEstimate
from projects.models import Project

MAINLY = 0.6  # share of the change from which one value of a segment is named
LEAST_LABELS = 30  # in a segment's value after the change; fewer leave its interval wide
MOST_ROWS = 8


@dataclass(frozen=True)
class SegmentRow:
    """One value of the segment before and after; `contribution` in points of the whole change."""

    value: str
    traffic_before: float
    traffic_after: float
    before: StoredEstimate
    after: StoredEstimate
    points: float | None
    contribution: float
    main: bool
    url: str

    @property
    def shown(self) -> str:
        """The value as the page names it."""
        return self.value or "none"


@dataclass(frozen=True)
class Step:
    """One thing to do about the change."""

    words: str
    because: str
    button: str
    url: str


@dataclass(frozen=True)
class Change:
    """A significant change of what was served. `name` and `value` name the segment it mostly comes from, or "".

    difference in points: hundredths of the score.
    """

    fell: bool
    since: datetime
    before: StoredEstimate
    after: StoredEstimate
    difference: StoredEstimate
    p: float
    segment: str
    name: str
    value: str
    rows: tuple[SegmentRow, ...]
    mix: float
    steps: tuple[Step, ...]


def of_report(project: Project, found: StoredChange | None) -> Change | None:
    """The change that a performance report found, as the page says it."""
    if found is None:
        return None
    ordered = _ordered(found)[:MOST_ROWS]
    rows = tuple(_row(project, found, given, first=place == 0) for place, given in enumerate(ordered))
    main = next((row for row in rows if row.main), None)
    return Change(
        fell=_value(found.difference) < 0,
        since=datetime.fromtimestamp(found.at).astimezone(),
        before=found.before,
        after=found.after,
        difference=_in_points(found.difference),
        p=found.p,
        segment=found.segment,
        name=found.segment if main else "",
        value=main.shown if main else "",
        rows=rows,
        mix=100 * found.mix,
        steps=tuple(_steps(project, found, main)),
    )


def _value(estimate: StoredEstimate) -> float:
    return 0.0 if estimate.value is None else estimate.value


def _in_points(given: StoredEstimate) -> StoredEstimate:
    value, low, high = (None if end is None else 100 * end for end in (given.value, given.low, given.high))
    return StoredEstimate(value, low, high, given.n)


def _ordered(found: StoredChange) -> list[StoredSegmentChange]:
    """The values that carry most of the change first."""
    sign = 1 if _value(found.difference) > 0 else -1
    return sorted(found.values, key=lambda one: (-sign * one.contribution, one.value))


def _row(project: Project, found: StoredChange, given: StoredSegmentChange, *, first: bool) -> SegmentRow:
    before, after = given.before, given.after
    known = before.value is not None and after.value is not None
    return SegmentRow(
        value=given.value,
        traffic_before=100 * given.share_before,
        traffic_after=100 * given.share_after,
        before=before,
        after=after,
        points=100 * (_value(after) - _value(before)) if known else None,
        contribution=100 * given.contribution,
        main=first and given.contribution / (_value(found.difference) or 1.0) >= MAINLY,
        url=_items(project, served="yes", segment=f"{found.segment}={given.value}"),
    )


def _steps(project: Project, found: StoredChange, main: SegmentRow | None) -> list[Step]:
    segment = f"{found.segment}={main.value}" if main else ""
    place = f" from {found.segment} {main.shown}" if main else ""
    n = main.after.n if main else found.after.n
    errors = reverse("analysis:errors", args=[project.slug])
    steps = [
        Step("See where errors gather and which inputs moved", "Slices, inputs, label budget.", "Open errors", errors),
        Step(
            f"See the mistakes{place}",
            "What do they have in common?",
            "Open cases",
            _items(project, served="yes", segment=segment, disagree="yes"),
        ),
    ]
    if n < LEAST_LABELS:
        because = f"{n} so far; {LEAST_LABELS} or more narrow the interval."
        steps.append(
            Step(f"Label more{place}", because, "Choose items", _items(project, segment=segment, resolved="no"))
        )
    return steps


def _items(project: Project, **filters: str) -> str:
    wanted = {name: value for name, value in filters.items() if value}
    return reverse("analysis:item-list", args=[project.slug]) + f"?{urlencode(wanted)}"
