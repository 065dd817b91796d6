"""Signals: what came back about predictions, and how far can each kind be trusted?"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import windows
from analysis.metrics.core.stored import StoredEstimate
from analysis.reports.kinds import signals as signals_report
from analysis.reports.kinds.signals import SignalsBody
from analysis.reports.stored import newest_or_request
from annotation.signals import kinds
from projects.chips import Chip, ChipOption
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project


@dataclass(frozen=True)
class SignalKindRow:
    """One kind of signal. right: None where no labelled item has one, or where the kind claims nothing."""

    name: str
    meaning: str
    claims: bool
    signals: int
    items: int
    items_url: str
    right: StoredEstimate | None
    right_url: str


@dataclass(frozen=True)
class ActorRow:
    """One actor's signals of one kind."""

    kind: str
    actor: str
    right: StoredEstimate
    url: str


@require_GET
@member(Can.SEE)
def signals(request: ProjectRequest) -> HttpResponse:
    project: Project = request.project
    window, unknown = request.GET.get("window") or windows.ALL, ""
    try:
        days = windows.window_days(window)
    except windows.UnknownWindow as why:
        window, days, unknown = windows.ALL, 0, str(why)
    report = newest_or_request(project, signals_report.KIND, days=days, at=timezone.now())
    body = report.body if report else None
    context = {
        "project": project,
        "report": report,
        "body": body,
        "unknown": unknown,
        "total": sum(one.signals for one in body.counts) if body else 0,
        "rows": signal_rows(project, body, window) if body else [],
        "actors": actor_rows(project, body, window) if body else [],
        "window_words": windows.WORDS[window],
        "chips": [window_chip(project, window)],
    }
    template = "analysis/signals.html" + ("#figures" if asks_for_fragment(request) else "")
    return render(request, template, context, status=404 if unknown else 200)


def window_chip(project: Project, window: str) -> Chip:
    here = reverse("analysis:signals", args=[project.slug])
    options = tuple(
        ChipOption(words, here if name == windows.ALL else f"{here}?window={name}", current=name == window)
        for name, words in windows.WORDS.items()
    )
    return Chip("Window", windows.WORDS[window], options=options)


def signal_rows(project: Project, body: SignalsBody, window: str) -> list[SignalKindRow]:
    """The kinds that came, those with the most signals first."""
    right = {one.kind: one.right for one in body.right if not one.actor}
    found = []
    for one in sorted(body.counts, key=lambda one: (-one.signals, one.kind)):
        kind = kinds.kind_named(one.kind)
        found.append(
            SignalKindRow(
                name=one.kind.replace("_", " "),
                meaning=kind.meaning if kind else "A kind of a former version.",
                claims=bool(kind and (kind.objection or kind.approval or kind.outcome) and not kind.escalates),
                signals=one.signals,
                items=one.items,
                items_url=_items(project, window, signal=one.kind),
                right=right.get(one.kind),
                right_url=_items(project, window, signal=one.kind, served="yes", resolved="yes"),
            )
        )
    return found


def actor_rows(project: Project, body: SignalsBody, window: str) -> list[ActorRow]:
    return [
        ActorRow(
            one.kind.replace("_", " "),
            one.actor,
            one.right,
            _items(project, window, signal=one.kind, actor=one.actor, served="yes", resolved="yes"),
        )
        for one in body.right
        if one.actor
    ]


def _items(project: Project, window: str, **filters: str) -> str:
    wanted = filters if window == windows.ALL else {**filters, "window": window}
    return reverse("analysis:item-list", args=[project.slug]) + "?" + urlencode(wanted)
