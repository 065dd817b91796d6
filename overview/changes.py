"""What changed, as the Overview says it: the sentence, the segment table and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

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
    before: dict[str, Any]
    after: dict[str, Any]
    points: float | None
    contribution: float
    main: bool
    url: str


@dataclass(frozen=True)
class Step:
    """One thing to do about the change."""

    words: str
    because: str
    button: str
    url: str


@dataclass(frozen=True)
class Change:
    """A significant change of a version's accuracy. `name` and `value` name the segment it mostly comes from, or ""."""

    version: str
    fell: bool
    since: datetime
    before: dict[str, Any]
    after: dict[str, Any]
    difference: dict[str, float]
    p: float
    segment: str
    name: str
    value: str
    rows: tuple[SegmentRow, ...]
    mix: float
    steps: tuple[Step, ...]


def of_report(project: Project, version: str, body: dict[str, Any] | None) -> Change | None:
    """The change that a performance report found, or None."""
    found = (body or {}).get("change")
    if not found:
        return None
    difference = found["difference"]
    rows = tuple(_row(project, version, found, given) for given in _ordered(found))[:MOST_ROWS]
    main = next((row for row in rows if row.main), None)
    return Change(
        version=version,
        fell=difference["value"] < 0,
        since=datetime.fromtimestamp(found["at"]).astimezone(),
        before=found["before"],
        after=found["after"],
        difference={name: 100 * value for name, value in difference.items()},
        p=found["p"],
        segment=found["segment"],
        name=found["segment"] if main else "",
        value=main.value if main else "",
        rows=rows,
        mix=100 * found["mix"],
        steps=tuple(_steps(project, version, found, main)),
    )


def _ordered(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The values that carry most of the change first."""
    sign = 1 if found["difference"]["value"] > 0 else -1
    return sorted(found["values"], key=lambda one: (-sign * one["contribution"], one["value"]))


def _row(project: Project, version: str, found: dict[str, Any], given: dict[str, Any]) -> SegmentRow:
    before, after = given["before"], given["after"]
    known = before["value"] is not None and after["value"] is not None
    return SegmentRow(
        value=given["value"] or "none",
        traffic_before=100 * given["share_before"],
        traffic_after=100 * given["share_after"],
        before=before,
        after=after,
        points=100 * (after["value"] - before["value"]) if known else None,
        contribution=100 * given["contribution"],
        main=given["contribution"] / found["difference"]["value"] >= MAINLY,
        url=_items(project, judges=version, segment=f"{found['segment']}={given['value']}"),
    )


def _steps(project: Project, version: str, found: dict[str, Any], main: SegmentRow | None) -> list[Step]:
    segment = f"{found['segment']}={main.value}" if main else ""
    place = f" from {found['segment']} {main.value}" if main else ""
    n = main.after["n"] if main else found["after"]["n"]
    steps = [
        Step(
            f"See the mistakes{place}",
            "What do they have in common?",
            "Open cases",
            _items(project, judges=version, segment=segment, disagree="yes"),
        )
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
