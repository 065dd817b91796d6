"""Overview: where is the loop stuck, and what next?"""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import marks, reports
from analysis.models import ReportKind
from analysis.views.performance import over_time
from jobs import health
from overview import loop
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can


@require_GET
@member(Can.SEE)
def overview(request: ProjectRequest) -> HttpResponse:
    project, now = request.project, timezone.now()
    facts = loop.collect(project, at=now)
    made = loop.stations(project, facts, at=now)
    report = reports.newest(project, ReportKind.PERFORMANCE, version=project.champion_version)
    body = report.body if report and report.body.get("n") else None
    context = {
        "project": project,
        "facts": facts,
        "stations": made,
        "stuck": next((station for station in made if station.bottleneck), None),
        "place": next((number for number, station in enumerate(made) if station.bottleneck), None),
        "actions": loop.actions(project, facts),
        "events": loop.events(project),
        "body": body,
        "problems": health.problems([project]),
        "quality": over_time(body, marks.releases(project), width=390) if body else None,
    }
    template = "overview/overview.html" + ("#loop" if asks_for_fragment(request) else "")
    return render(request, template, context)
