"""Overview: where is the loop stuck, and what next?"""

from functools import partial
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import release_events
from analysis.reports.kinds import performance as performance_report
from analysis.reports.kinds.performance import PerformanceBody
from analysis.reports.stored import newest
from analysis.views.monitor_panel import monitor_panel
from analysis.views.over_time import TimeChart, score_name, score_over_time
from analysis.views.performance_query import PerformanceQuery
from annotation import versions
from annotation.version_chip import version_chip
from jobs import health
from overview import actions, changes, events, first_steps, loop, stations
from projects.formatting import span
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project


def _of_version(project: Project, tag: str) -> str:
    return f"{reverse('overview:overview', args=[project.slug])}?{urlencode({'version': tag})}"


def capture_command(request: ProjectRequest) -> str:
    """The command that captures the first prediction of this project."""
    address = f"{request.scheme}://{request.get_host()}/api/v1/projects/{request.project.slug}/predictions"
    return first_steps.capture_command(request.project, address)


def quality(project: Project, body: PerformanceBody) -> TimeChart | None:
    """The chart of the mean score over time."""
    return score_over_time(project, body, release_events.list_releases(project), width=390)


@require_GET
@member(Can.SEE)
def overview(request: ProjectRequest) -> HttpResponse:
    project, now = request.project, timezone.now()
    known = versions.load(project)
    try:
        version = known.chosen(request.GET.get("version", ""))
    except versions.UnknownVersion as why:
        return render(request, "overview/unknown.html", {"project": project, "unknown": str(why)}, status=404)
    facts = loop.collect(project, at=now, serves=known.serves)
    made = stations.stations(project, facts, at=now)
    report = newest(project, performance_report.KIND, version=version)
    body = report.body if report and report.body.n else None
    context = {
        "project": project,
        "version": version,
        "performance_url": PerformanceQuery("all", "", version if version != facts.serves else "").url(project),
        "chips": [version_chip(project, known, version, partial(_of_version, project))],
        "facts": facts,
        "stations": made,
        "due": span(max(stations.SLA.values())),
        "stuck": next((station for station in made if station.bottleneck), None),
        "place": next((number for number, station in enumerate(made) if station.bottleneck), None),
        "actions": actions.actions(project, facts, body),
        "capture_command": "" if facts.newest else capture_command(request),
        "events": events.events(project),
        "body": body,
        "problems": health.problems([project]),
        "change": changes.of_report(project, report.body.change if report else None),
        "alarm": monitor_panel(project, version, serves=facts.serves),
        "score_name": score_name(report.body).lower() if report else "accuracy",
        "quality": quality(project, body) if body else None,
    }
    template = "overview/overview.html" + ("#loop" if asks_for_fragment(request) else "")
    return render(request, template, context)
