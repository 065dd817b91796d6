"""The queues: what waits, for how long, and who is at it; one queue with what needs a reviewer."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding, queue_counts, queues
from annotation.item_display import display_item
from annotation.models import Cause, Queue, RoutedItem, RoutedState
from annotation.views.review import review_cards, take_decision
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can

SHOWN = 50


@require_GET
@member(Can.LABEL)
def listing(request: ProjectRequest) -> HttpResponse:
    return _listing(request)


def _listing(request: ProjectRequest) -> HttpResponse:
    now = timezone.now()
    every = queue_counts.count_queues(request.project, at=now)
    rows = [row for row in every if blinding.may_choose(row.queue, request.role)]
    waits = [row for row in every if row.waiting and not row.queue.paused]
    context = {
        "project": request.project,
        "rows": rows,
        "now": now,
        "waiting": sum(row.waiting for row in waits),
        "busy": len(waits),
        "oldest": min((row.oldest for row in waits if row.oldest), default=None),
        "late": [row for row in rows if row in waits and row.late],
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
    now = timezone.now()
    counts = next(row for row in queue_counts.count_queues(request.project, at=now) if row.queue == queue)
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
        **_waiting(request, waiting),
        **review_cards(request, review),
        "in_review": counts.review,
        "decide_url": reverse("annotation:queue-decide", args=[request.project.slug, queue.slug]),
        "may_delete": request.role.can(Can.CHANGE) and not (waiting or review or mine.exists()),
        "error": error,
    }
    page = "annotation/queue.html" + ("#review" if asks_for_fragment(request) else "")
    return render(request, page, context, status=status)


def _waiting(request: ProjectRequest, waiting: list[RoutedItem]) -> dict[str, Any]:
    """The items that wait, and how many are left out: this person may still label them, and is not to know which."""
    blind = blinding.blind_among(request.project, request.user, [routed.item_id for routed in waiting])
    seen = [routed for routed in waiting if routed.item_id not in blind]
    return {
        "waiting": [(routed, display_item(request.project, routed.item)) for routed in seen],
        "left_out": len(waiting) - len(seen),
        "shown": len(waiting),
    }


@require_POST
@member(Can.REVIEW)
def decide_item(request: ProjectRequest, queue: str) -> HttpResponse:
    """Settle one item in review by a reviewer's own decision."""
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    done = take_decision(request, RoutedItem.objects.filter(queue=found))
    if done.error or asks_for_fragment(request):
        return _detail(request, found, error=done.error, status=done.status)
    messages.success(request, done.words)
    return redirect("annotation:queue", slug=request.project.slug, queue=found.slug)
