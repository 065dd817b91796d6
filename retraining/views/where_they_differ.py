"""The disagreements of two versions: their items, finding them, and putting more of them before people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding
from annotation.item_display import ItemDisplay, display_item
from annotation.models import Item
from projects.formatting import plural
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can
from retraining import disagreements, label_requests, registry
from retraining.bodies import DisagreementBody
from retraining.disagreement_items import ASKED_AGAIN, WindowItem, WindowPart, items_of
from retraining.forms import MOST_ASKED, AskForm
from retraining.models import DisagreementSample, ModelVersion
from retraining.views import page_of, version_of
from retraining.views.compare import compare_page

SHOWN = 60


@dataclass(frozen=True)
class DisagreementCard:
    """An item as a card of the list shows it."""

    item: Item
    said: WindowItem
    shown: ItemDisplay


@require_GET
@member(Can.SEE)
def items(request: ProjectRequest, number: int, part: str) -> HttpResponse:
    """The items behind one count of the labels where they differ."""
    version = version_of(request.project, number)
    sample, found = _sample_of(version)
    slice_name = request.GET.get("slice", "")[:400].replace("\x00", "")
    rows, page = items_of(sample, found, _part(part), slice_name=slice_name), page_of(request)
    place = (page - 1) * SHOWN
    own = rows[place : place + SHOWN]
    blind = blinding.blind_among(request.project, request.user, [row.pk for row in own])
    context = {
        "project": request.project,
        "version": version,
        "against": found.against,
        "part": part,
        "total": len(rows),
        "items": _listed(request, [row for row in own if row.pk not in blind]),
        "left_out": len(blind),
        "slice": slice_name,
        "query": urlencode({"slice": slice_name}) if slice_name else "",
        "next": page + 1 if len(rows) > place + SHOWN else None,
        "previous": page - 1,
        "may_ask": request.role.can(Can.CHANGE) and part in ASKED_AGAIN,
    }
    fragment = "#items" if asks_for_fragment(request) else ""
    return render(request, "retraining/disagreement_items.html" + fragment, context)


@require_POST
@member(Can.CHANGE)
def ask_again(request: ProjectRequest, number: int, part: str) -> HttpResponse:
    """Put the labelled items of a part into a queue of their own, to be looked at once more."""
    version = version_of(request.project, number)
    sample, found = _sample_of(version)
    if _part(part) not in ASKED_AGAIN:
        raise Http404("Only labelled items can be asked again.")
    slice_name = request.POST.get("slice", "")[:400].replace("\x00", "")
    ids = [row.pk for row in items_of(sample, found, WindowPart(part), slice_name=slice_name)][:MOST_ASKED]
    words = "labelled where they differ" + (f" in {slice_name}" if slice_name else "")
    made = label_requests.request_relabel(version, item_ids=ids, words=words, by=request.user, at=timezone.now())
    messages.success(request, f"{plural(made.put.created, 'item,items')} added to {made.queue.title}.")
    return redirect("annotation:queue", slug=request.project.slug, queue=made.queue.slug)


def _part(name: str) -> WindowPart:
    if name not in list(WindowPart):
        raise Http404("There is no such list.")
    return WindowPart(name)


def _sample_of(version: ModelVersion) -> tuple[DisagreementSample, DisagreementBody]:
    """What was drawn against what serves now and what it decides. Raises Http404 where nothing was."""
    sample = disagreements.sample_of(version, registry.incumbent(version.project))
    found = disagreements.verdict_of(sample)
    if sample is None or found is None:
        raise Http404(f"Nobody has looked yet where {version.tag} differs from what serves.")
    return sample, found


def _listed(request: ProjectRequest, rows: Sequence[WindowItem]) -> list[DisagreementCard]:
    known: dict[int, Any] = Item.objects.in_bulk([row.pk for row in rows])
    return [
        DisagreementCard(known[row.pk], row, display_item(request.project, known[row.pk]))
        for row in rows
        if row.pk in known
    ]


@require_POST
@member(Can.CHANGE)
def find(request: ProjectRequest, number: int) -> HttpResponse:
    """Have a worker find where the version and what serves differ, and ask about the first of these items."""
    version = version_of(request.project, number)
    try:
        disagreements.request(version, by=request.user, at=timezone.now())
    except disagreements.NoDisagreement as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.info(request, f"{version.tag} is answering recent traffic.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)


@require_POST
@member(Can.CHANGE)
def request_more(request: ProjectRequest, number: int) -> HttpResponse:
    """Put more of the drawn disagreements before people."""
    version = version_of(request.project, number)
    form = AskForm(request.POST)
    if not form.is_valid():
        return compare_page(request, version, error=" ".join(map(str, form.errors["count"])), status=422)
    sample = disagreements.sample_of(version, registry.incumbent(request.project))
    if sample is None:
        return compare_page(request, version, error=f"Find first where {version.tag} differs.", status=409)
    try:
        put = disagreements.request_more(sample, count=form.cleaned_data["count"], by=request.user, at=timezone.now())
    except disagreements.NoDisagreement as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.success(request, f"{plural(put, 'item,items')} put before people.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)
