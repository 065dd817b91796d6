"""Errors: where is the model wrong, since when, and what moved?"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from analysis import item_filters, relabel, slice_queues, windows
from analysis.error_slices import ErrorSlice, judged_filters
from analysis.reports.kinds import errors as errors_report
from analysis.reports.kinds.errors import ErrorsBody
from analysis.reports.stored import newest_or_request
from analysis.slice_queues import LabelBudget
from analysis.views.change_parts import part_rows
from annotation.models import LONGEST_REASON
from jobs import health
from projects.chips import Chip, ChipOption
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can, Project

LONGEST_TITLE = 100
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class ErrorSliceRow:
    """A slice with where its items and its errors are listed, and the queue in which some of them wait, if any.

    hidden: the filters of its unlabelled items, of those since the change where it is new, for a form.
    """

    found: ErrorSlice
    title: str
    url: str
    errors_url: str
    queue_url: str
    hidden: Pairs


@require_GET
@member(Can.SEE)
def errors(request: ProjectRequest) -> HttpResponse:
    return _page(request, request.GET.get("window", ""))


def _page(request: ProjectRequest, window: str, problem: str = "") -> HttpResponse:
    project = request.project
    try:
        days = windows.window_days(window)
    except windows.UnknownWindow as why:
        window, days, problem = "", 0, str(why)
    report = newest_or_request(project, errors_report.KIND, days=days, at=timezone.now())
    context: dict[str, Any] = {
        "project": project,
        "report": report,
        "chips": [_window_chip(project, window or windows.ALL)],
        "problems": health.problems([project]),
        "problem": problem,
        "may_queue": request.role.can(Can.CHANGE),
    }
    if report and report.body.n:
        context |= figures(project, report.body, days)
    return render(request, "analysis/errors.html", context, status=422 if problem else 200)


def _window_chip(project: Project, window: str) -> Chip:
    base = reverse("analysis:errors", args=[project.slug])
    options = tuple(
        ChipOption(words, base if name == windows.ALL else f"{base}?window={name}", current=name == window)
        for name, words in windows.WORDS.items()
    )
    return Chip("Window", windows.WORDS[window], options=options)


def figures(project: Project, body: ErrorsBody, days: int) -> dict[str, Any]:
    """What the page shows of a report with labels."""
    found = body.found
    queued = slice_queues.queued_titles(project)
    since = datetime.fromtimestamp(body.change.at).astimezone() if body.change else None
    rows = [_row(project, one, days, since, queued) for one in found.slices] if found else []
    return {
        "body": body,
        "since": since,
        "rows": rows,
        "confirmed": sum(row.found.confirmed is True for row in rows),
        "items_url": _items(project, judged_filters(days)),
        "wrong_url": _items(project, [*judged_filters(days), ("disagree", "yes")]),
        "budget": _budget(project, rows),
        "part_rows": part_rows(body.explanation, body.change),
        "drawn": slice_queues.DRAWN_AT_ONCE,
    }


def _row(project: Project, one: ErrorSlice, days: int, since: datetime | None, queued: dict[str, str]) -> ErrorSliceRow:
    title = _title(one.rule)
    judged = [*judged_filters(days), *one.filters]
    listed = bool(one.filters)
    later: Pairs = [("since", since.isoformat())] if since and one.is_new else []
    base = reverse("analysis:item-list", args=[project.slug])
    return ErrorSliceRow(
        found=one,
        title=title,
        url=_items(project, judged) if listed else "",
        errors_url=_items(project, [*judged, ("disagree", "yes")]) if listed else "",
        queue_url=f"{base}?{urlencode({'queue': queued[title]})}" if title in queued else "",
        hidden=[*one.filters, ("resolved", "no"), *later] if listed else [],
    )


def _title(rule: str) -> str:
    return f"Slice: {rule}"[:LONGEST_TITLE]


def _items(project: Project, filters: Pairs) -> str:
    return f"{reverse('analysis:item-list', args=[project.slug])}?{urlencode(filters)}"


def _budget(project: Project, rows: list[ErrorSliceRow]) -> LabelBudget | None:
    """What labels of the worst slice take and give."""
    if not rows:
        return None
    worst = rows[0].found
    return slice_queues.label_budget(project, worst.after if worst.is_new and worst.after else worst.error_rate)


@require_POST
@member(Can.CHANGE)
def queue_slice(request: ProjectRequest) -> HttpResponse:
    """Put some items of a slice, drawn at random, before people."""
    project, given, now = request.project, request.POST, timezone.now()
    try:
        filters = item_filters.parse_filters(_named(given), project)
        made = slice_queues.queue_slice(
            project,
            filters,
            title=_title(given.get("rule", "") or "items"),
            words=given.get("rule", "")[:LONGEST_REASON],
            count=slice_queues.DRAWN_AT_ONCE,
            by=request.user,
            at=now,
            seed=secrets.randbits(32),
        )
    except (item_filters.BadFilter, relabel.NothingToQueue, relabel.queues.QueueProblem) as why:
        return _page(request, given.get("view", ""), str(why))
    messages.info(
        request,
        f"{plural(made.drawn, 'item,items')} added to {made.queue.title}, drawn at random from {made.candidates:,}.",
    )
    base = reverse("analysis:item-list", args=[project.slug])
    return redirect(f"{base}?{urlencode({'queue': made.queue.slug})}")


def _named(given: QueryDict) -> QueryDict:
    """The filters of the form."""
    found = QueryDict(mutable=True)
    for name in item_filters.NAMES:
        for value in given.getlist(name):
            found.appendlist(name, value)
    return found
