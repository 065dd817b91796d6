"""Overview: where is the loop stuck, and what next?"""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analysis import release_events
from analysis.reports.kinds import errors as errors_report
from analysis.reports.kinds import monitor
from analysis.reports.kinds import performance as performance_report
from analysis.reports.kinds.performance import PerformanceBody
from analysis.reports.stored import newest_of_kinds
from analysis.views.change_parts import part_rows
from analysis.views.monitor_panel import monitor_panel
from analysis.views.over_time import TimeChart, score_name, score_over_time
from analysis.views.performance_query import PerformanceQuery
from annotation import versions
from annotation.version_chip import version_chip
from jobs import health
from overview import actions, changes, events, first_steps, loop, stations
from overview.links import project_url
from projects import members
from projects.formatting import span
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from projects.secrets import derived_secret, new_secret


def _of_version(project: Project, tag: str) -> str:
    return f"{reverse('overview:overview', args=[project.slug])}?{urlencode({'version': tag})}"


AWAITS = "awaits_first"  # in the address of a refresh: the page was opened before anything was captured


def first_prediction(request: ProjectRequest, *, secret: str = "") -> dict[str, Any]:
    """What the panel shows that sends the first prediction of this project."""
    site = f"{request.scheme}://{request.get_host()}"
    return {
        "snippets": first_steps.snippets(request.project, site, secret),
        "first_row": first_steps.first_row(request.project),
        "secret": secret,
        "may_make_key": request.role.can(Can.CHANGE),
        "once": new_secret(),
    }


def poll_url(request: ProjectRequest, *, awaits_first: bool) -> str:
    """Where the page asks for what is new."""
    query = request.GET.copy()
    if awaits_first:
        query[AWAITS] = "1"
    return project_url("overview:overview", request.project, query.urlencode())


def quality(project: Project, body: PerformanceBody) -> TimeChart | None:
    """The chart of the mean score over time."""
    return score_over_time(project, body, release_events.list_releases(project), width=390)


@require_GET
@member(Can.SEE)
def overview(request: ProjectRequest) -> HttpResponse:
    return overview_page(request)


@never_cache
@require_POST
@member(Can.CHANGE)
def first_key(request: ProjectRequest) -> HttpResponse:
    """Make a key and show it in the snippets: only the answer to this POST does; sent again, it shows the same key."""
    once = request.POST.get("once") or new_secret()
    secret = derived_secret("first-key", request.user.pk, request.project.pk, once)
    try:
        key = first_steps.create_first_key(
            request.project, request.user, by=request.user, at=timezone.now(), secret=secret
        )
    except members.MemberProblem as why:
        messages.error(request, str(why))
        return redirect("overview:overview", request.project.slug)
    if asks_for_fragment(request):
        context = {"project": request.project, "first": first_prediction(request, secret=key)}
        return render(request, "overview/first_prediction.html#snippets", context)
    return overview_page(request, secret=key)


def overview_page(request: ProjectRequest, *, secret: str = "") -> HttpResponse:
    project, now = request.project, timezone.now()
    known = versions.load(project)
    try:
        version = known.chosen(request.GET.get("version", ""))
    except versions.UnknownVersion as why:
        return render(request, "overview/unknown.html", {"project": project, "unknown": str(why)}, status=404)
    facts = loop.collect(project, at=now, serves=known.serves)
    awaits_first = facts.newest is None or AWAITS in request.GET or bool(secret)
    made = stations.stations(project, facts, at=now)
    reports = newest_of_kinds(
        project, performance_report.KIND, monitor.KIND, version=version, whole=[errors_report.KIND]
    )
    report = reports.of(performance_report.KIND)
    errors_of = reports.of(errors_report.KIND)
    body = report.body if report and report.body.n else None
    context = {
        "project": project,
        "version": version,
        "performance_url": PerformanceQuery("all", "", version if version != facts.serves else "").url(project),
        "chips": [version_chip(project, known, version, partial(_of_version, project))],
        "facts": facts,
        "stations": made,
        "due": span(stations.LONG_WAIT),
        "stuck": next((station for station in made if station.bottleneck), None),
        "place": next((number for number, station in enumerate(made) if station.bottleneck), None),
        "actions": actions.actions(project, facts, body),
        "poll_url": poll_url(request, awaits_first=awaits_first),
        "first": first_prediction(request, secret=secret) if awaits_first else None,
        "events": events.events(project),
        "body": body,
        "problems": health.problems([project]),
        "change": changes.of_report(project, report.body.change if report else None),
        "part_rows": part_rows(errors_of.body.explanation, errors_of.body.change) if errors_of else [],
        "alarm": monitor_panel(project, version, reports.of(monitor.KIND), serves=facts.serves),
        "score_name": score_name(report.body).lower() if report else "accuracy",
        "quality": quality(project, body) if body else None,
    }
    template = "overview/overview.html" + ("#loop" if asks_for_fragment(request) else "")
    return render(request, template, context)
