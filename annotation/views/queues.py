"""The queues: what waits, for how long, and who is at it; one queue with what needs a reviewer."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding, kinds, queues, resolution
from annotation.item_display import display_item
from annotation.models import Cause, Label, LabelState, Queue, RoutedItem, RoutedState
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project

SHOWN = 50


@require_GET
@member(Can.LABEL)
def listing(request: ProjectRequest) -> HttpResponse:
    return _listing(request)


def _listing(request: ProjectRequest) -> HttpResponse:
    now = timezone.now()
    rows = queues.counts(request.project, at=now)
    waits = [row for row in rows if row.waiting and not row.queue.paused]
    context = {
        "project": request.project,
        "rows": rows,
        "now": now,
        "waiting": sum(row.waiting for row in waits),
        "busy": len(waits),
        "oldest": min((row.oldest for row in waits if row.oldest), default=None),
        "late": [row for row in waits if row.late],
        "may_pause": request.role.can(Can.REVIEW),
        "may_see": request.role.can(Can.SEE),
    }
    return render(request, "annotation/queues.html" + ("#rows" if asks_for_fragment(request) else ""), context)


@require_POST
@member(Can.REVIEW)
def pause(request: ProjectRequest, queue: str) -> HttpResponse:
    """Stop or start a queue: `paused` is 1 or 0, so that a form sent twice does the same twice."""
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    queues.set_paused(found, request.POST.get("paused") == "1", by=request.user, at=timezone.now())
    if asks_for_fragment(request):
        return _listing(request)
    return redirect("annotation:queue-list", slug=request.project.slug)


@require_POST
@member(Can.CHANGE)
def delete(request: ProjectRequest, queue: str) -> HttpResponse:
    """Delete an empty queue."""
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    try:
        queues.delete_empty(found, by=request.user, at=timezone.now())
    except queues.QueueInUse as why:
        return _detail(request, found, error=str(why), status=409)
    messages.success(request, f"{found.title} deleted.")
    return redirect("annotation:queue-list", slug=request.project.slug)


@require_GET
@member(Can.SEE)
def detail(request: ProjectRequest, queue: str) -> HttpResponse:
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    return _detail(request, found)


def _detail(request: ProjectRequest, queue: Queue, *, error: str = "", status: int = 200) -> HttpResponse:
    now, kind = timezone.now(), kinds.of(request.project.kind)
    counts = next(row for row in queues.counts(request.project, at=now) if row.queue == queue)
    mine = RoutedItem.objects.filter(queue=queue).select_related("item")
    disputed = queue.cause == Cause.DISPUTED
    in_review = [RoutedState.OPEN, RoutedState.REVIEW] if disputed else [RoutedState.REVIEW]
    waiting = list(mine.exclude(state__in=in_review).filter(state=RoutedState.OPEN).order_by("-priority", "pk")[:SHOWN])
    review = list(mine.filter(state__in=in_review).order_by("closed_at", "pk")[:SHOWN])
    context = {
        "project": request.project,
        "queue": queue,
        "counts": counts,
        "now": now,
        "waiting": _waiting(request, waiting),
        "review": _with_votes(request.project, review),
        "review_template": kind.review_template,
        "form": kind.form(request.project.schema().labels),
        "may_decide": request.role.can(Can.REVIEW),
        "may_delete": request.role.can(Can.CHANGE) and not (waiting or review or mine.exists()),
        "error": error,
    }
    page = "annotation/queue.html" + ("#review" if asks_for_fragment(request) else "")
    return render(request, page, context, status=status)


def _waiting(request: ProjectRequest, waiting: list[RoutedItem]) -> list[tuple[RoutedItem, Any, bool]]:
    """Each item that waits, and whether its reason may be shown: it can name what a model says of the item."""
    asked = [routed.item_id for routed in waiting]
    blind = blinding.blind_among(request.project, request.user, asked)
    return [(routed, display_item(request.project, routed.item), routed.item_id not in blind) for routed in waiting]


def _with_votes(project: Project, review: list[RoutedItem]) -> list[dict[str, Any]]:
    """Each item in review with what was said of it and why it was flagged, without names."""
    kind, schema = kinds.of(project.kind), project.schema().labels
    said: dict[int, list[Label]] = {}
    votes = Label.objects.filter(item__in=[routed.item_id for routed in review]).exclude(state=LabelState.UNDONE)
    for label in votes.prefetch_related("revisions").order_by("pk"):
        said.setdefault(label.item_id, []).append(label)
    found = []
    for routed in review:
        mine = said.get(routed.item_id, [])
        given = [kind.describe(label.value, schema) for label in mine if label.state == LabelState.GIVEN]
        comments = [revision.comment for label in mine for revision in label.revisions.all() if revision.comment]
        skips = sum(label.state == LabelState.SKIPPED for label in mine)
        shown = display_item(project, routed.item)
        found.append({"routed": routed, "shown": shown, "given": given, "skips": skips, "comments": comments})
    return found


@require_POST
@member(Can.REVIEW)
def decide_item(request: ProjectRequest, queue: str) -> HttpResponse:
    """Settle one item in review by a reviewer's own decision."""
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    uid, kind = request.POST.get("item", ""), kinds.of(request.project.kind)
    waits = [RoutedState.OPEN, RoutedState.REVIEW]
    routed = RoutedItem.objects.select_related("item").filter(queue=found, item__uid=uid, state__in=waits).first()
    if routed is None:
        return _detail(request, found, error="This item was settled meanwhile; the list is as it is now.", status=409)
    try:
        value = kind.parse_form(request.POST)
        made = resolution.resolve_by_person(routed.item, value=value, by=request.user, at=timezone.now())
    except kinds.InvalidLabel as why:
        return _detail(request, found, error=str(why), status=422)
    if asks_for_fragment(request):
        return _detail(request, found)
    messages.success(request, f"Decided: {uid} is {kind.describe(made.value, request.project.schema().labels)}.")
    return redirect("annotation:queue", slug=request.project.slug, queue=found.slug)
