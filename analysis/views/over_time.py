"""Charts over time: a measure in stretches of time, each point a link to the items that it was measured with."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from analysis import charts
from analysis.release_events import ReleaseEvent
from projects.models import Project
from projects.templatetags.formatting import number

PHONE = 302  # px: what a panel leaves on a phone of 360
FEW = 5  # labels below which a point stands alone: a line through it would show chance as change


def accuracy_over_time(
    project: Project, body: dict[str, Any], moments: list[ReleaseEvent], *, width: int
) -> dict[str, Any] | None:
    """The accuracy of what was served; None where no stretch of time has enough labels."""
    series = [(point, point["accuracy"]) for point in body["series"] if point["accuracy"]["value"] is not None]
    return _chart(project, series, moments, "Accuracy of what was served, over time", width=width)


def class_over_time(project: Project, body: dict[str, Any], moments: list[ReleaseEvent], label: str) -> dict[str, Any]:
    """Precision and recall of one class."""

    def series(measure: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        found = [(point, point["classes"].get(label, {}).get(measure)) for point in body["series"]]
        return [(point, value) for point, value in found if value and value["value"] is not None]

    def chart(measure: str, **filters: str) -> dict[str, Any] | None:
        return _chart(
            project, series(measure), moments, f"{measure.title()} of {label} over time", width=390, **filters
        )

    return {"precision": chart("precision", says=label), "recall": chart("recall", truth=label)}


def _chart(
    project: Project,
    series: list[tuple[dict[str, Any], dict[str, Any]]],
    moments: list[ReleaseEvent],
    label: str,
    *,
    width: int,
    **filters: str,
) -> dict[str, Any] | None:
    """A line over time with a mark for every release, and its table. `filters` are those of the items behind it."""
    if not series:
        return None
    rows = [_row(project, point, value, filters) for point, value in series]
    stamps = [moment.at.timestamp() for moment in moments]
    first, last = min([series[0][0]["from"], *stamps]), max([series[-1][0]["to"], *stamps])
    draw = partial(
        charts.line,
        [_point(point, row) for (point, _), row in zip(series, rows, strict=True)],
        label=label,
        x_ticks=[(at, day(at)) for at in (first, (first + last) / 2, last)],
        dots=True,
        releases=[charts.Mark(stamp, moment.version) for stamp, moment in zip(stamps, moments, strict=True)],
    )
    return {**drawn(draw, width), "rows": rows, "last": rows[-1]}


def _row(project: Project, point: dict[str, Any], value: dict[str, Any], filters: dict[str, str]) -> dict[str, Any]:
    """One stretch of time as the table says it, with the address of its items."""
    span = {"since": _stamp(point.get("first", point["from"])), "until": _stamp(point.get("last", point["to"]))}
    query = urlencode({"served": "yes", **filters, **span})
    url = f"{reverse('analysis:item-list', args=[project.slug])}?{query}"
    return {**value, "from": day(point["from"]), "to": day(point["to"]), "url": url}


def _point(point: dict[str, Any], row: dict[str, Any]) -> charts.Point:
    words = f"{row['from']} to {row['to']}: {number(row['value'], 3)}, n {number(row['n'])}"
    middle = (point["from"] + point["to"]) / 2
    return charts.Point(middle, row["value"], row["low"], row["high"], words, row["url"], few=row["n"] < FEW)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def drawn(draw: Callable[..., str], width: int) -> dict[str, str]:
    """A chart at the width of its panel, and once more for a phone: scaled down, its words could not be read."""
    return {"svg": mark_safe(draw(width=width)), "narrow": mark_safe(draw(width=PHONE))}


def day(stamp: float) -> str:
    moment = datetime.fromtimestamp(stamp, timezone.get_current_timezone())
    return f"{moment.day} {moment:%b}"
