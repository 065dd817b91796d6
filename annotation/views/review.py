"""Review: what people could not settle and what signals contradict or ask, each with the reviewer's decision."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding, guidelines, kinds, resolution, side_answers
from annotation.dispute_words import separator_of
from annotation.guideline_examples import shown_guideline
from annotation.item_display import display_item
from annotation.item_locks import lock_items
from annotation.models import TO_REVIEW, Item, Label, LabelState, NoLabelDecision, RoutedItem, RoutedState
from annotation.routing import review_entries
from annotation.signals.claims import value_in_words
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.locks import retry_conflicts
from projects.models import Can, Project

SHOWN = 50


@dataclass(frozen=True)
class DecisionResult:
    """What became of a decision that a form sent: words for the person, or why it could not be taken."""

    words: str = ""
    error: str = ""
    status: int = 200


@require_GET
@member(Can.SEE)
def review(request: ProjectRequest) -> HttpResponse:
    """Every item that waits for a reviewer, the longest wait first."""
    return _review(request)


def _review(request: ProjectRequest, done: DecisionResult | None = None) -> HttpResponse:
    waiting = resolution.in_review(request.project)
    rows = waiting.select_related("item").order_by("routed_at", "pk")[:SHOWN]
    no_label = NoLabelDecision.objects.filter(project=request.project, withdrawn_at=None)
    context = {
        "project": request.project,
        **review_cards(request, list(rows)),
        "in_review": waiting.count(),
        "no_label": no_label.count(),
        "decide_url": reverse("annotation:review-decide", args=[request.project.slug]),
        "error": done.error if done else "",
    }
    page = "annotation/review.html#review"
    if not asks_for_fragment(request):
        page, guideline = "annotation/review.html", guidelines.current(request.project)
        context |= {"guideline": guideline, "guideline_html": shown_guideline(request.project, guideline)}
    return render(request, page, context, status=done.status if done else 200)


@require_POST
@member(Can.REVIEW)
def decide_dispute(request: ProjectRequest) -> HttpResponse:
    """Settle one item by a reviewer's own decision."""
    done = take_decision(request, RoutedItem.objects.filter(project=request.project))
    if done.error or asks_for_fragment(request):
        return _review(request, done)
    messages.success(request, done.words)
    return redirect("annotation:review", slug=request.project.slug)


def review_cards(request: ProjectRequest, rows: list[RoutedItem]) -> dict[str, Any]:
    """What the list of these items needs in its template."""
    kind = kinds.of_project(request.project)
    return {
        "review": _with_votes(request.project, rows),
        "review_template": kind.review_template,
        "form": kind.form(request.project.schema().labels),
        "may_decide": request.role.can(Can.REVIEW),
    }


def _asked(routed: RoutedItem) -> str:
    """Why the item was asked, but for what a model said of an item whose label is measured with."""
    hidden = blinding.is_evaluation(routed) and routed.cause not in TO_REVIEW
    return "" if hidden else routed.reason


@retry_conflicts
@transaction.atomic
def take_decision(request: ProjectRequest, among: QuerySet[RoutedItem]) -> DecisionResult:
    """Take the decision of a posted form about one of these items, if it still waits: of two the first counts."""
    uid = request.POST.get("item", "").replace("\x00", "")  # PostgreSQL fails where one is asked for
    waits = among.filter(item__uid=uid, state__in=[RoutedState.OPEN, RoutedState.REVIEW]).order_by("-pk")
    if routed := waits.select_related("item").first():
        lock_items([routed.item_id])
    if routed is None or not waits.exists():
        return DecisionResult(error="This item was settled meanwhile; the list is as it is now.", status=409)
    try:
        return DecisionResult(words=_settle(request, routed.item))
    except (kinds.InvalidLabel, resolution.NoReason, review_entries.NothingToLeave) as why:
        return DecisionResult(error=str(why), status=422)


def _settle(request: ProjectRequest, item: Item) -> str:
    """What was decided, in words."""
    item.project, by, at = request.project, request.user, timezone.now()
    if request.POST.get("leave") == "yes":
        review_entries.leave_as_it_is(item, by=by, at=at)
        return f"Left as it is: {item.uid}."
    if request.POST.get("no_label") == "yes":
        why = resolution.decide_no_label(item, reason=request.POST.get("why", ""), by=by, at=at).reason
        return f"Decided: no label fits {item.uid} ({why})."
    kind = kinds.of_project(request.project)
    made = resolution.resolve_by_person(item, value=kind.parse_form(request.POST), by=by, at=at)
    return f"Decided: {item.uid} is {kind.describe(made.value, request.project.schema().labels)}."


def _with_votes(project: Project, review: list[RoutedItem]) -> list[dict[str, Any]]:
    """Each item in review with what was said of it and why it was flagged, without names."""
    kind, schema = kinds.of_project(project), project.schema().labels
    said: dict[int, list[Label]] = {}
    votes = Label.objects.filter(item__in=[routed.item_id for routed in review]).exclude(state=LabelState.UNDONE)
    for label in votes.prefetch_related("revisions").order_by("pk"):
        said.setdefault(label.item_id, []).append(label)
    ids = [routed.item_id for routed in review]
    by_signals = set(review_entries.brought_by_signals().filter(item__in=ids).values_list("pk", flat=True))
    signals, found = review_entries.shown_signals(project, ids), []
    for routed in review:
        mine = said.get(routed.item_id, [])
        values = [label.value for label in mine if label.state == LabelState.GIVEN]
        given = [kind.describe_beside(value, schema, routed.item.inputs) for value in values]
        comments = [revision.comment for label in mine for revision in label.revisions.all() if revision.comment]
        skips = sum(label.state == LabelState.SKIPPED for label in mine)
        card = {"routed": routed, "shown": display_item(project, routed.item), "asked": _asked(routed)}
        came = [(signal, value_in_words(kind, schema, signal.value)) for signal in signals.get(routed.item_id, [])]
        card |= {"signals": came, "may_leave": routed.pk in by_signals}
        found.append(
            {
                **card,
                "given": separator_of(given).join(given),
                "votes": _distinct(values, given),
                "beside": _beside(project, mine),
                "skips": skips,
                "comments": comments,
            }
        )
    return found


def _beside(project: Project, labels: list[Label]) -> list[tuple[str, str]]:
    """Each side question with what people answered, without names."""
    found: dict[str, list[str]] = {}
    for label in labels:
        for words, said in side_answers.said_in_words(project, label.also):
            found.setdefault(words, []).append(said)
    return [(words, separator_of(said).join(said)) for words, said in found.items()]


def _distinct(values: list[Any], words: list[str]) -> list[dict[str, Any]]:
    """Each value that was given once, as it is and as JSON, with its words."""
    found = {json.dumps(value, ensure_ascii=False): (value, text) for value, text in zip(values, words, strict=True)}
    return [{"json": written, "value": value, "words": text} for written, (value, text) in found.items()]
