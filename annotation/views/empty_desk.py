"""What a desk says that was given nothing: why, and where there is something to do."""

from django.template.loader import render_to_string
from django.utils import timezone

from annotation import blinding, queue_counts, waiting_items
from annotation.models import Queue, Slot, SlotState
from annotation.routing import refill
from projects.guards import ProjectRequest


def nothing_html(request: ProjectRequest, queue: Queue | None, *, today: int) -> str:
    """Why there is nothing to do, and where there is."""
    now = timezone.now()
    counts = queue_counts.count_queues(request.project, at=now)
    rows = [row for row in counts if blinding.may_choose(row.queue, request.role)]
    others = Slot.objects.filter(project=request.project, state=SlotState.LEASED, lease_until__gt=now)
    others = others.exclude(leased_to=request.user)
    context = {
        "project": request.project,
        "today": today,
        "held": (others.filter(queue=queue) if queue else others).count(),
        "others": waiting_items.needs_others(request.user, request.project, queue=queue),
        "limited": refill.has_more(request.project, queue),
        "paused": queue is not None and queue.paused,
        "next": next((row for row in rows if row.queue != queue and row.waiting and not row.queue.paused), None)
        if queue
        else None,
    }
    return render_to_string("annotation/desk.html#nothing", context)
