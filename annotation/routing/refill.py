"""Refill by event: a claim that finds little left asks for a round, and one that finds nothing is served at once.

What counts is what the person who claims may still answer: an item that they answered or skipped waits for others.

What a claim is served at once is chosen by the index alone, the most uncertain first, because somebody waits. It obeys
the design of every round: nothing looks at an item's own audit draw or label.
"""

import math
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Cause, Label, LabelState, Queue, Slot, SlotState, SupplyMark
from annotation.routing import audit_draw, candidates, capacity, placing
from annotation.routing.registry import Pick, RoutingCause
from jobs import queue as jobs
from jobs.models import OPEN, Job
from projects.models import Project, User
from projects.project_settings import BadSpec

AT_ONCE, MOST_SERVED = 50, 250
NEXT = RoutingCause(Cause.UNCERTAIN, Cause.UNCERTAIN.label, lambda round_, places: ())


def job_key(project: Project) -> str:
    return f"route:{project.pk}"


def request_round(project: Project, *, at: datetime) -> None:
    """Enqueue a routing round unless one is on its way."""
    if not Job.objects.filter(key=job_key(project), state__in=OPEN).exists():
        jobs.enqueue("annotation.route", key=job_key(project), project=project, at=at)


def notice(project: Project, *, by: User, at: datetime) -> None:
    """Request a round where a claim leaves fewer items than the project's mark that this person may still answer."""
    mark = SupplyMark.objects.filter(project=project).values_list("low_water", flat=True).first() or 0
    if mark and open_to(project, by).values("pk")[:mark].count() < mark:
        request_round(project, at=at)


def open_to(project: Project, user: User) -> QuerySet[Slot]:
    """Open slots of items that this person neither holds nor has answered or skipped; one an item where few overlap."""
    done = Label.objects.filter(item=OuterRef("item"), user=user, state__in=[LabelState.GIVEN, LabelState.SKIPPED])
    held = Slot.objects.filter(item=OuterRef("item"), leased_to=user, state=SlotState.LEASED)
    lower = Slot.objects.filter(routed=OuterRef("routed"), ordinal__lt=OuterRef("ordinal"), state=SlotState.OPEN)
    return Slot.objects.filter(~Exists(done), ~Exists(held), ~Exists(lower), project=project, state=SlotState.OPEN)


def is_due(project: Project, *, at: datetime) -> bool:
    """Whether less waits than should and more is left to ask; writes the mark by which claims notice it sooner."""
    if not project.routing_settings().waiting:
        return False
    found = capacity.supply(project, at=at)
    mark = math.ceil(capacity.LOW_WATER * (found.active_target + found.audit_target))
    SupplyMark.objects.update_or_create(project=project, defaults={"low_water": mark, "updated_at": at})
    return found.is_low


def _is_on(project: Project) -> bool:
    """Whether items are routed at all. Settings that cannot be read stop routing, but never a claim."""
    try:
        return project.routing_settings().waiting > 0
    except BadSpec:
        return False


def has_more(project: Project, queue: Queue | None = None) -> bool:
    """Whether routing is on and any item is left to ask, in all queues or in this one if it is served alone.

    Those of the uncertain and of the audit are. What the others hold is chosen by a round, among all candidates.
    """
    if queue is None:
        return _any_left(project) and _is_on(project)
    if queue.created_by_id or not _is_on(project):
        return False
    if queue.cause == Cause.AUDIT:
        return audit_draw.not_asked(project).exists()
    return queue.cause == Cause.UNCERTAIN and bool(candidates.most_uncertain(project, 1, since=None))


def _any_left(project: Project) -> bool:
    return candidates.pool(project).exists() or audit_draw.not_asked(project).exists()


def serve(project: Project, count: int, *, queue: Queue | None = None, at: datetime) -> int:
    """Put the next items into queues, or into this one, for somebody who found none; returns how many.

    Runs in the claim's transaction.
    """
    if not has_more(project, queue):
        return 0
    share = project.routing_settings().audit_share if queue is None else float(queue.cause == Cause.AUDIT)
    placed, looked_at = 0, True
    while looked_at and not placed:  # those of the audit that are labelled already leave the pool, and ask nobody
        placed, looked_at = _serve_next(project, max(count, _at_once(project)), share, alone=queue is not None, at=at)
    return placed


def _at_once(project: Project) -> int:
    """How many items somebody who found none is served: as many as the mark, which follows the rate of answers."""
    mark = SupplyMark.objects.filter(project=project).values_list("low_water", flat=True).first() or 0
    return min(max(AT_ONCE, mark), MOST_SERVED)


def _serve_next(project: Project, wanted: int, share: float, *, alone: bool, at: datetime) -> tuple[int, bool]:
    """How many of the next items were put into queues, `share` of them the audit's, and whether any left the pool.

    `alone`: one queue is served, so what others would get stays.
    """
    audit = round(share * wanted)
    picks = _most_uncertain(project, wanted) if alone else _next(project, wanted)
    chosen = placing.choose(project, NEXT, picks, most=wanted - audit, taken=set(), at=at)
    placed = placing.place(project, [chosen], audit=audit if alone else wanted - len(chosen.questions), at=at)
    return sum(placed.values()), bool(chosen.asked)


def _next(project: Project, count: int) -> list[Pick]:
    """The most uncertain items, and any others where there are fewer than asked for."""
    picks = _most_uncertain(project, count)
    others = candidates.pool(project).exclude(pk__in=[pick.item_id for pick in picks])
    others = others.order_by("sample_number", "pk")
    if len(picks) < 2 * count:
        words = "no scores to choose it by; drawn at random while the queue was empty"
        rest = others.values_list("pk", flat=True)[: 2 * count - len(picks)]
        picks += [Pick(pk, words, {}, "random", cause=Cause.TYPICAL) for pk in rest]
    return picks


def _most_uncertain(project: Project, count: int) -> list[Pick]:
    """Twice as many as asked for: some of them wait already or are settled."""
    return [
        Pick(pk, f"margin {margin:.2f}, chosen while the queue was empty", {"margin": round(margin, 4)}, "margin")
        for pk, margin in candidates.most_uncertain(project, 2 * count, since=None)
    ]
