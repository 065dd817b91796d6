"""Signals: what came back about predictions, and how far can each kind be trusted?"""

from dataclasses import dataclass
from datetime import datetime
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
from analysis.views import signal_words
from annotation.signals import kinds, maturity, reliability
from annotation.signals.reliability import Reliability, SignalRate
from projects.chips import Chip, ChipOption
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project

MOST_ACTORS = 40


@dataclass(frozen=True)
class SignalKindRow:
    """One kind of signal. right: None where no labelled audit item has one, or where the kind claims nothing."""

    name: str
    meaning: str
    claims: bool
    signals: int
    items: int
    items_url: str
    right: StoredEstimate | None
    right_url: str
    effect: str


@dataclass(frozen=True)
class ActorRow:
    """One actor's signals of one kind; the rate is shrunk to that of the kind."""

    kind: str
    actor: str
    right: SignalRate
    url: str
    effect: str


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
    known, settings = reliability.load(project), project.routing_settings()
    context = {
        "project": project,
        "report": report,
        "body": body,
        "unknown": unknown,
        "total": sum(one.signals for one in body.counts) if body else 0,
        "rows": signal_rows(project, body, window, known) if body else [],
        "actors": actor_rows(project, known, at=timezone.now()),
        "known": known,
        "unseen": unseen_words(known),
        "settings": settings,
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


def signal_rows(project: Project, body: SignalsBody, window: str, known: Reliability) -> list[SignalKindRow]:
    """The kinds that came, those with the most signals first."""
    right = {one.kind: one.right for one in body.right}
    found = []
    for one in sorted(body.counts, key=lambda one: (-one.signals, one.kind)):
        kind = kinds.kind_named(one.kind)
        found.append(
            SignalKindRow(
                name=kind.title if kind else one.kind,
                meaning=kind.meaning if kind else "A kind of a former version.",
                claims=bool(kind and (kind.objection or kind.approval or kind.outcome) and not kind.escalates),
                signals=one.signals,
                items=one.items,
                items_url=_items(project, window, signal=one.kind),
                right=right.get(one.kind),
                right_url=_audited(project, one.kind, window, at=timezone.now()),
                effect=signal_words.kind_effect(kind, known, project.routing_settings()) if kind else "nothing",
            )
        )
    return found


def actor_rows(project: Project, known: Reliability, *, at: datetime) -> list[ActorRow]:
    """The actors with the most audit items, of all time."""
    settings, found = project.routing_settings(), []
    named = [one for one in known.actors.values() if one.actor and one.n >= reliability.LEAST_ITEMS]
    for one in sorted(named, key=lambda one: (-one.n, one.kind, one.actor))[:MOST_ACTORS]:
        if kind := kinds.kind_named(one.kind):
            url = _audited(project, one.kind, windows.ALL, at=at, actor=one.actor)
            effect = signal_words.actor_effect(kind, one, known, settings)
            found.append(ActorRow(kind.title, one.actor, one, url, effect))
    return found


def unseen_words(known: Reliability) -> str:
    """How an actor of whom nothing was audited counts, by kind."""
    parts = [
        f"{kind.title.lower()} {rate.value:.0%} [{rate.low:.0%}, {rate.high:.0%}]"
        for rate in known.unseen
        if (kind := kinds.kind_named(rate.kind)) and None not in (rate.value, rate.low, rate.high)
    ]
    return ", ".join(parts)


def _audited(project: Project, kind: str, window: str, *, at: datetime, **filters: str) -> str:
    """The labelled audit items with such a signal, of outcomes the mature ones."""
    if kind in kinds.outcomes() and project.outcome_matures_after_days:
        filters["until"] = maturity.matured_until(project, at=at).isoformat(timespec="seconds")
    return _items(project, window, signal=kind, served="yes", drawn="yes", resolved="yes", **filters)


def _items(project: Project, window: str, **filters: str) -> str:
    wanted = filters if window == windows.ALL else {**filters, "window": window}
    return reverse("analysis:item-list", args=[project.slug]) + "?" + urlencode(wanted)
