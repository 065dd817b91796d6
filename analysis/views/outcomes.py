"""Outcomes: what has come back about the predictions of each week, and what is still to come?"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import charts
from analysis.metrics.core.stored import Interval
from analysis.outcome_cohorts import CurvePoint, OutcomeCohort, OutcomesBody
from analysis.reports.kinds import outcomes as outcomes_report
from analysis.reports.stored import newest_or_request
from analysis.views.over_time import drawn
from annotation.signals import kinds
from projects.formatting import percent
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project


@dataclass(frozen=True)
class CohortRow:
    """One week as the table shows it; the last moment of the week is in its lists."""

    start: datetime
    state: str
    predictions: int
    predictions_url: str
    with_outcome: int
    outcome_url: str
    completeness: Interval
    forecast: Interval


@require_GET
@member(Can.SEE)
def outcomes(request: ProjectRequest) -> HttpResponse:
    project: Project = request.project
    report = newest_or_request(project, outcomes_report.KIND, at=timezone.now())
    body = report.body if report else None
    context = {
        "project": project,
        "report": report,
        "body": body,
        "days": project.outcome_matures_after_days,
        "rows": [cohort_row(project, one) for one in body.cohorts] if body and body.outcomes else [],
        "chart": drawn(partial(completeness_chart, body), 560) if body and body.horizon else None,
        "half": half_time(body.curve) if body else None,
    }
    template = "analysis/outcomes.html" + ("#figures" if asks_for_fragment(request) else "")
    return render(request, template, context)


def cohort_row(project: Project, cohort: OutcomeCohort) -> CohortRow:
    start = datetime.combine(cohort.start, time(), UTC)
    ends = {"since": start.isoformat(), "until": (start + timedelta(days=7, microseconds=-1)).isoformat()}
    state = "mature" if cohort.mature == cohort.predictions else "partly mature" if cohort.mature else "provisional"
    items = reverse("analysis:item-list", args=[project.slug])
    return CohortRow(
        start=start,
        state=state,
        predictions=cohort.predictions,
        predictions_url=f"{items}?{urlencode(ends)}",
        with_outcome=cohort.with_outcome,
        outcome_url=f"{items}?{urlencode({'signal': kinds.outcomes()[0], **ends})}",
        completeness=cohort.completeness,
        forecast=cohort.forecast,
    )


def half_time(curve: list[CurvePoint]) -> float | None:
    """Days after which half of the outcomes came; None where it is not known."""
    return next((one.days for one in curve if one.value is not None and one.value >= 0.5), None)


def completeness_chart(body: OutcomesBody, *, width: int) -> str:
    known = [one for one in body.curve if one.value is not None]
    points = [
        charts.Point(one.days, one.value, one.low, one.high, f"{one.days:.1f} days: {percent(one.value)}")
        for one in known
        if one.value is not None
    ]
    ticks = [(at, f"{at:g}") for at in charts.ticks(0, body.horizon) if at <= body.horizon]
    return charts.line(
        points,
        label="Share of outcomes that came, by days after the prediction",
        x_axis=charts.XAxis(ticks, "days after the prediction"),
        y_range=(0.0, 1.0),
        discs="none",
        width=width,
    )
