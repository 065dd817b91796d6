"""Performance: how good is the serving version, class by class and at each threshold?"""

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import charts, reports, windows
from analysis.models import Report, ReportKind
from analysis.release_events import list_releases
from analysis.views.over_time import accuracy_over_time, class_over_time, drawn
from annotation import versions
from annotation.version_chip import version_chip
from jobs import health
from projects.chips import Chip, ChipOption
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project

PROVISIONAL = 60  # audit labels; below it the interval is wider than ±10 points
PAIRS = 7
SMALL_N = 5
FEW = 30  # a row of fewer labels is coloured as if it had so many: one of five is no verdict


@dataclass(frozen=True)
class PerformanceQuery:
    """What the URL says: window, class and measure."""

    window: str
    label: str
    version: str

    def url(self, project: Project, **changes: str) -> str:
        parts = {"window": self.window, "label": self.label, "version": self.version, **changes}
        wanted = {name: value for name, value in parts.items() if value and (name, value) != ("window", "all")}
        return reverse("analysis:performance", args=[project.slug]) + (f"?{urlencode(wanted)}" if wanted else "")


@require_GET
@member(Can.SEE)
def performance(request: ProjectRequest) -> HttpResponse:
    project: Project = request.project
    known = versions.load(project)
    try:
        state = read_state(request.GET, project, known)
    except BadView as why:
        return _unknown(request, known, str(why))
    report = reports.newest(
        project, ReportKind.PERFORMANCE, version=state.version, days=windows.window_days(state.window)
    )
    if report is None and state.version:
        reports.request(project, state.version, at=timezone.now())
    context = {
        "project": project,
        "state": state,
        "report": report,
        "chips": chips(project, state, known),
        "problems": health.problems([project]),
    }
    if report and report.body.get("n"):
        context |= figures(project, report, state)
    template = "analysis/performance.html" + ("#figures" if asks_for_fragment(request) else "")
    return render(request, template, context)


class BadView(LookupError):
    """The address asks for what there is not; the message names what there is."""


def _unknown(request: ProjectRequest, known: versions.Versions, why: str) -> HttpResponse:
    """The page without figures, which says what was asked for in vain and offers what there is."""
    state = PerformanceQuery("all", "", "")
    context = {
        "project": request.project,
        "state": state,
        "chips": chips(request.project, state, known),
        "unknown": why,
    }
    return render(request, "analysis/performance.html", context, status=404)


def read_state(given: Any, project: Project, known: versions.Versions) -> PerformanceQuery:
    """The URL's state. Raises BadView for a value that there is not; nothing is replaced by another one."""
    window, label = given.get("window", "") or windows.ALL, given.get("label", "")
    if label and label not in project.schema().values():
        raise BadView(f"{label[:80]!r} is no label of this project.")
    try:
        windows.window_days(window)
        return PerformanceQuery(window, label, known.chosen(given.get("version", "")))
    except (versions.UnknownVersion, windows.UnknownWindow) as why:
        raise BadView(str(why)) from None


def chips(project: Project, state: PerformanceQuery, known: versions.Versions) -> list[Chip]:
    spans = tuple(
        ChipOption(words, state.url(project, window=name), current=name == state.window)
        for name, words in windows.WORDS.items()
    )
    of_version = version_chip(project, known, state.version, lambda tag: state.url(project, version=tag))
    return [Chip("Window", windows.WORDS[state.window], options=spans), of_version]


def figures(project: Project, report: Report, state: PerformanceQuery) -> dict[str, Any]:
    body = report.body
    label = state.label or project.positive or hardest(body)
    moments = list_releases(project)
    return {
        "body": body,
        "label": label,
        "one": next((row for row in body["classes"] if row["label"] == label), None),
        "provisional": body["audit"] < PROVISIONAL,
        "needed": max(0, PROVISIONAL - body["audit"]),
        "matrix": matrix(project, body, state),
        "pairs": pairs(project, body, state),
        "per_class": per_class(project, body, state, label),
        "curve": curve(body, label),
        "curve_rows": curve_rows(body, label),
        "over_time": accuracy_over_time(project, body, moments, width=560),
        "class_over_time": class_over_time(project, body, moments, label),
        "items_url": items_url(project, state),
        "wrong_url": items_url(project, state, disagree="yes"),
    }


def hardest(body: dict[str, Any]) -> str:
    """The class with the least recall among those with enough labels, which is where to look first."""
    known = [row for row in body["classes"] if row["recall"]["value"] is not None and row["labelled"] >= SMALL_N]
    return min(known, key=lambda row: row["recall"]["value"])["label"] if known else body["classes"][0]["label"]


def items_url(project: Project, state: PerformanceQuery, **filters: str) -> str:
    wanted = {"resolved": "yes", "judges": state.version, **filters}
    if state.window != "all":
        wanted["window"] = state.window
    return reverse("analysis:item-list", args=[project.slug]) + "?" + urlencode(wanted)


def matrix(project: Project, body: dict[str, Any], state: PerformanceQuery) -> dict[str, Any]:
    """Rows of cells with count, class and link; recall at the right."""
    names, rows = body["labels"], []
    for i, name in enumerate(names):
        counts = body["counts"][i]
        total = sum(counts)
        cells = []
        for j, count in enumerate(counts):
            kind = (
                "zero" if not count else "diagonal" if i == j else f"heat-{charts.heat_step(count / max(total, FEW))}"
            )
            url = items_url(project, state, truth=name, says=names[j]) if count else ""
            cells.append({"count": count, "kind": kind, "url": url, "says": names[j]})
        rows.append({"label": name, "cells": cells, "recall": body["classes"][i]["recall"], "n": total})
    return {"names": names, "rows": rows, "wide": len(names) <= 20}


def pairs(project: Project, body: dict[str, Any], state: PerformanceQuery) -> dict[str, Any]:
    """The largest cells off the diagonal."""
    names = body["labels"]
    found = [
        {
            "truth": names[i],
            "says": names[j],
            "n": count,
            "url": items_url(project, state, truth=names[i], says=names[j]),
        }
        for i, row in enumerate(body["counts"])
        for j, count in enumerate(row)
        if i != j and count
    ]
    found.sort(key=lambda pair: -pair["n"])
    wrong = sum(pair["n"] for pair in found)
    for pair in found[:PAIRS]:
        pair["share"] = pair["n"] / wrong
        pair["width"] = round(120 * pair["n"] / found[0]["n"])
    return {"top": found[:PAIRS], "all": len(found), "wrong": wrong}


def per_class(project: Project, body: dict[str, Any], state: PerformanceQuery, label: str) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "small": row["labelled"] < SMALL_N,
            "current": row["label"] == label,
            "url": state.url(project, label=row["label"]),
            "recall_url": items_url(project, state, truth=row["label"]),
            "precision_url": items_url(project, state, says=row["label"]),
        }
        for row in body["classes"]
    ]


def curve(body: dict[str, Any], label: str) -> dict[str, Any] | None:
    """Precision against recall of one class, and where the decision in force stands on it."""
    found = body["curves"].get(label)
    if not found:
        return None
    rows = curve_rows(body, label)
    points = [charts.Point(row["recall"], row["precision"], row["low"], row["high"]) for row in reversed(rows)]
    row = next(row for row in body["classes"] if row["label"] == label)
    precision, recall = row["precision"], row["recall"]
    plumb = None
    if precision["value"] is not None and recall["value"] is not None:
        plumb = charts.Mark(recall["value"], "in force")
    draw = partial(
        charts.line,
        points,
        label=f"Precision of {label} at each recall",
        x_name=f"recall of {label}",
        x_ticks=[(v / 4, f"{v / 4:.2f}") for v in range(5)],
        y_range=(0.0, 1.0),
        plumb=plumb,
        plumb_value=precision["value"],
        end_note=False,
        height=230,
    )
    return {**drawn(draw, 390), "precision": precision, "recall": recall, "base_rate": found["base_rate"]}


def curve_rows(body: dict[str, Any], label: str) -> list[dict[str, Any]]:
    found = body["curves"].get(label)
    if not found:
        return []
    columns = zip(
        found["threshold"],
        found["precision"]["value"],
        found["precision"]["low"],
        found["precision"]["high"],
        found["recall"]["value"],
        strict=True,
    )
    names = ("threshold", "precision", "low", "high", "recall")
    rows = [dict(zip(names, row, strict=True)) for row in columns]
    return [row for row in rows if row["precision"] is not None and row["recall"] is not None]
