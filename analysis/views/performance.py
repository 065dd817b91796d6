"""Performance: how good is a version, over time, by segment and, where there are classes, class by class?"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import windows
from analysis.release_events import list_releases
from analysis.reports.kinds import errors as errors_report
from analysis.reports.kinds import monitor
from analysis.reports.kinds import performance as performance_report
from analysis.reports.kinds.performance import PerformanceBody
from analysis.reports.stored import newest, newest_or_request
from analysis.views import class_figures, segment_scores
from analysis.views.change_parts import part_rows
from analysis.views.monitor_panel import monitor_panel
from analysis.views.over_time import score_name, score_over_time, segment_over_time
from analysis.views.performance_query import PerformanceQuery, items_url
from annotation import kinds, versions
from annotation.version_chip import version_chip
from jobs import health
from projects.chips import Chip, ChipOption
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project


@require_GET
@member(Can.SEE)
def performance(request: ProjectRequest) -> HttpResponse:
    project: Project = request.project
    known = versions.load(project)
    try:
        state = read_state(request.GET, project, known)
    except BadView as why:
        return _unknown(request, known, str(why))
    kind, days = performance_report.KIND, windows.window_days(state.window)
    report = newest_or_request(project, kind, version=state.version, days=days, at=timezone.now())
    context: dict[str, Any] = {
        "project": project,
        "state": state,
        "report": report,
        "chips": chips(project, state, known),
        "problems": health.problems([project]),
    }
    if report and report.body.n:
        if state.segment and not segment_scores.find_segment(report.body, state.segment):
            return _unknown(request, known, f"No labelled item that judges {state.version} has {state.segment[:80]}.")
        context["chips"].append(segment_chip(project, report.body, state))
        context |= figures(project, report.body, state)
        watched = newest(project, monitor.KIND, version=state.version)
        context["panel"] = monitor_panel(project, state.version, watched, serves=known.serves)
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


def read_state(given: Mapping[str, str], project: Project, known: versions.Versions) -> PerformanceQuery:
    """The URL's state. Raises BadView for a value that there is not; nothing is replaced by another one."""
    window, label = given.get("window", "") or windows.ALL, given.get("label", "")
    if label and label not in kinds.class_names(project):
        raise BadView(f"{label[:80]!r} is no label of this project.")
    try:
        windows.window_days(window)
        return PerformanceQuery(window, label, known.chosen(given.get("version", "")), given.get("segment", ""))
    except (versions.UnknownVersion, windows.UnknownWindow) as why:
        raise BadView(str(why)) from None


def chips(project: Project, state: PerformanceQuery, known: versions.Versions) -> list[Chip]:
    spans = tuple(
        ChipOption(words, state.url(project, window=name), current=name == state.window)
        for name, words in windows.WORDS.items()
    )
    of_version = version_chip(project, known, state.version, lambda tag: state.url(project, version=tag))
    return [Chip("Window", windows.WORDS[state.window], options=spans), of_version]


def segment_chip(project: Project, body: PerformanceBody, state: PerformanceQuery) -> Chip:
    """The chip that limits the page to one value of a segment."""
    everything = ChipOption("all items", state.url(project, segment=""), current=not state.segment)
    values = tuple(
        ChipOption(row.named, row.page, current=row.current)
        for table in segment_scores.segments(project, body, state)
        for row in table.rows
    )
    return Chip("Segment", state.segment.replace("=", " ", 1) or "all items", options=(everything, *values))


def figures(project: Project, body: PerformanceBody, state: PerformanceQuery) -> dict[str, Any]:
    """What the page shows of a report with labels."""
    releases = list_releases(project)
    chosen = segment_scores.find_segment(body, state.segment) if state.segment else None
    found = {
        "body": body,
        "segments": segment_scores.segments(project, body, state),
        "items_url": items_url(project, state),
        "wrong_url": items_url(project, state, disagree="yes"),
    }
    if chosen:
        name = score_name(body)
        return found | {
            "chosen": chosen,
            "metric_rows": segment_scores.metric_rows(body, chosen),
            "over_time": segment_over_time(project, name, chosen, releases, width=560),
            "all_url": state.url(project, segment=""),
        }
    errors_of = newest(project, errors_report.KIND)
    found["part_rows"] = part_rows(errors_of.body.explanation, errors_of.body.change) if errors_of else []
    found["over_time"] = score_over_time(project, body, releases, width=560)
    if body.classes:
        label = state.label or project.positive or class_figures.hardest(body.classes)
        found |= class_figures.figures(project, body, body.classes, state, label, releases)
    return found
