"""Queues of items by cause: making them, putting items into them, and their counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils.text import slugify

from annotation.item_locks import lock_items
from annotation.models import (
    LONGEST_REASON,
    TO_REVIEW,
    Cause,
    Item,
    Order,
    Queue,
    RoutedItem,
    RoutedState,
    Slot,
    SlotState,
    cause_title,
)
from projects import audit
from projects.chunks import chunks
from projects.locks import lock_rows
from projects.models import Project, User
from validation import InvalidInput
from validation.json_values import is_storable_text

A_DAY = timedelta(days=1)
UNLIMITED = 10**9


EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
CENTURY = timedelta(days=36_525)
KEEPS_POOL = (Cause.AUDIT, Cause.DISPUTED, Cause.SUSPECTED, Cause.GOLD)
"""Causes of an evaluation, or of a question about a label that is there: the active part may still choose the item.
What a person puts into a queue by any other cause leaves the pool, and the audit stands for it."""


class QueueProblem(InvalidInput):
    """A queue that cannot be made; the message is for a user."""


class NotInProject(InvalidInput):
    """Items of another project cannot wait in this one's queue."""


@dataclass(frozen=True)
class Entry:
    """One item to ask about: why, with which numbers, and with what probability it was drawn.

    `priority` is from 0 to 1, high = sooner. `audit_probability` is that of the audit draw alone, for audit items.
    """

    item_id: int
    reason: str
    numbers: dict[str, Any]
    inclusion_probability: float
    priority: float
    evaluation: bool = False
    scored_by: str = ""
    strategy: str = ""
    audit_probability: float | None = None


@dataclass(frozen=True)
class Put:
    """What became of the entries: how many were put, and how many waited in a queue already."""

    created: int
    already: int


def ensure(project: Project, cause: Cause | str, *, title: str = "", at: datetime) -> Queue:
    """The project's own queue of this cause, made where there is none."""
    title = title or cause_title(cause)
    # A dispute has its votes already: one more person at a time is asked.
    overlap = 1 if cause in TO_REVIEW else project.overlap
    # What is drawn at random is asked at random, so that those answered are a random part of it.
    order = Order.RANDOM if cause == Cause.AUDIT else Order.PRIORITY
    defaults = {"title": title, "cause": cause, "overlap": overlap, "order": order, "created_at": at}
    queue, _ = Queue.objects.get_or_create(project=project, slug=slugify(title), defaults=defaults)
    return queue


def budget_left(project: Project, cause: Cause | str, *, at: datetime) -> int:
    """How many more items the project's own queue of this cause takes from routing in these 24 hours."""
    queue = project.queues.filter(cause=cause, created_by=None, daily_budget__isnull=False).order_by("pk").first()
    if queue is None or queue.daily_budget is None:
        return UNLIMITED
    return max(queue.daily_budget - RoutedItem.objects.filter(queue=queue, routed_at__gt=at - A_DAY).count(), 0)


@transaction.atomic
def create(
    project: Project,
    *,
    title: str,
    cause: Cause | str,
    by: User | None,
    at: datetime,
    overlap: int | None = None,
    sla_hours: float | None = None,
) -> Queue:
    """Make a queue with a name of its own; its slug gets a number where the name is taken."""
    title = title.strip()
    if not 1 <= len(title) <= 120 or not is_storable_text(title):
        raise QueueProblem("The title of a queue takes 1 to 120 characters.")
    overlap = project.overlap if overlap is None else overlap
    if not 1 <= overlap <= 20:
        raise QueueProblem(f"Overlap is {overlap}; an item is labelled by 1 to 20 people.")
    queue = Queue(
        project=project,
        title=title,
        cause=Cause(cause),
        overlap=overlap,
        sla_hours=sla_hours,
        created_by=by,
        created_at=at,
    )
    _save_under_free_slug(queue)
    audit.record("queue.create", by=by, at=at, project=project, target=queue.slug, details={"cause": queue.cause})
    return queue


def _save_under_free_slug(queue: Queue) -> None:
    stem = slugify(queue.title)[:50].strip("-") or "queue"
    taken = set(Queue.objects.filter(project=queue.project, slug__startswith=stem).values_list("slug", flat=True))
    queue.slug = next(slug for slug in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)
    try:
        with transaction.atomic():
            queue.save(force_insert=True)
    except IntegrityError:  # another took the slug between our look and our insert
        raise QueueProblem(f"A queue named {queue.title} was made just now; choose another title.") from None


@transaction.atomic
def set_paused(queue: Queue, paused: bool, *, by: User, at: datetime) -> bool:
    """Stop or start giving out leases from this queue; leases given already may be answered. False = it was so."""
    changed = Queue.objects.filter(pk=queue.pk, paused=not paused).update(paused=paused)
    if changed:
        action = "queue.pause" if paused else "queue.resume"
        audit.record(action, by=by, at=at, project=queue.project, target=queue.slug)
    queue.paused = paused
    return bool(changed)


def waiting_in(project: Project, item_ids: Sequence[int]) -> list[str]:
    """The titles of the queues in which these items wait; none where at least one of them waits nowhere."""
    titles: set[str] = set()
    for chunk in chunks(sorted(set(item_ids))):
        waits = RoutedItem.objects.filter(project=project, item__in=chunk, state=RoutedState.OPEN)
        found = dict(waits.values_list("item_id", "queue__title"))
        if len(found) < len(chunk):
            return []
        titles |= set(found.values())
    return sorted(titles)


class QueueInUse(QueueProblem):
    """A queue that holds items, which its deletion would lose."""


@transaction.atomic
def delete_empty(queue: Queue, *, by: User, at: datetime) -> None:
    """Delete a queue in which nothing ever waited. Raises QueueInUse: what waited or was answered keeps its history."""
    held = Queue.objects.select_for_update().filter(pk=queue.pk).first()  # nothing is put in while it is held
    if held is None:
        return
    if RoutedItem.objects.filter(queue=queue).exists():
        raise QueueInUse(f"{queue.title} holds items; only an empty queue can be deleted. It can be paused.")
    audit.record("queue.delete", by=by, at=at, project=queue.project, target=queue.slug)
    held.delete()


def add_entries(queue: Queue, entries: Sequence[Entry], *, at: datetime) -> Put:
    """Let these items wait in the queue. One that waits in any queue already is left there and counted.

    An item that the audit drew, or that was measured with once, is an evaluation item whatever it is asked for: it is
    never trained on. Raises NotInProject, and puts nothing, where an item is of another project.
    """
    first = {entry.item_id: entry for entry in reversed(entries)}
    created = 0
    with transaction.atomic():
        wanted = sorted(first)
        if queue.cause not in KEEPS_POOL:
            lock_items(wanted)
        for chunk in chunks(wanted):
            created += _put_chunk(queue, [first[pk] for pk in chunk], at)
    return Put(created, len(entries) - created)


def _put_chunk(queue: Queue, entries: list[Entry], at: datetime) -> int:
    ids = [entry.item_id for entry in entries]
    known = Item.objects.filter(project=queue.project_id, pk__in=ids).annotate(
        waits=Count("routed_items", filter=Q(routed_items__state=RoutedState.OPEN)),
        measured=Count("routed_items", filter=Q(routed_items__evaluation=True)),
    )
    found = {item.pk: item for item in known}
    if missing := [pk for pk in ids if pk not in found]:
        raise NotInProject(f"{len(missing)} of these items are not of the project {queue.project.slug}.")
    new = [entry for entry in entries if not found[entry.item_id].waits]
    priorities = _priorities(queue, new, found)
    rows = [_routed(queue, entry, found[entry.item_id], priorities[entry.item_id], at) for entry in new]
    # Another put may have been quicker since our look: the constraint keeps its row, and ours is left out.
    RoutedItem.objects.bulk_create(rows, ignore_conflicts=True)
    mine = RoutedItem.objects.filter(
        queue=queue, item__in=[row.item_id for row in rows], state=RoutedState.OPEN, slots=None
    )
    routed = list(mine)
    Slot.objects.bulk_create([slot for row in routed for slot in _slots(queue, row)])
    if queue.cause not in KEEPS_POOL:
        Item.objects.filter(pk__in=[row.item_id for row in routed], in_pool=True).update(in_pool=False)
    return len(routed)


def _routed(queue: Queue, entry: Entry, item: Any, priority: float, at: datetime) -> RoutedItem:
    """`item` carries how often it was `measured` with."""
    return RoutedItem(
        project=queue.project,
        queue=queue,
        item_id=entry.item_id,
        cause=queue.cause,
        reason=entry.reason[:LONGEST_REASON],
        numbers=entry.numbers,
        inclusion_probability=entry.inclusion_probability,
        audit_probability=entry.audit_probability,
        evaluation=entry.evaluation or item.is_drawn or bool(item.measured),
        priority=priority,
        overlap=queue.overlap,
        scored_by=entry.scored_by,
        strategy=entry.strategy,
        routed_at=at,
    )


def _priorities(queue: Queue, entries: list[Entry], items: dict[int, Any]) -> dict[int, float]:
    """Item id to priority by the queue's order, from 0 to 1, high = sooner."""
    if queue.order == Order.PRIORITY:
        return {entry.item_id: entry.priority for entry in entries}
    if queue.order == Order.RANDOM:
        shuffled = sorted(entries, key=lambda entry: items[entry.item_id].sample_number or entry.priority)
        return {entry.item_id: 1 - (place + 0.5) / len(entries) for place, entry in enumerate(shuffled)}
    ages = {entry.item_id: (items[entry.item_id].at - EPOCH) / CENTURY for entry in entries}
    return {pk: min(max(age if queue.order == Order.NEWEST else 1 - age, 0.0), 1.0) for pk, age in ages.items()}


def _slots(queue: Queue, routed: RoutedItem) -> list[Slot]:
    """One place for each person; weight stands before priority, so a heavier queue is asked first."""
    return [
        Slot(
            project_id=routed.project_id,
            queue=queue,
            routed=routed,
            item_id=routed.item_id,
            ordinal=ordinal,
            priority=queue.weight + routed.priority,
        )
        for ordinal in range(routed.overlap)
    ]


@transaction.atomic
def withdraw(project: Project, *, item_ids: Sequence[int], at: datetime) -> int:
    """Take items out of their queues, those only that nobody holds or has answered; returns how many."""
    taken = 0
    lock_items(item_ids)
    for chunk in chunks(item_ids):
        rows = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN, item__in=chunk)
        touched = Q(slots__state=SlotState.FILLED) | Q(slots__state=SlotState.LEASED, slots__lease_until__gt=at)
        taken += close(rows.exclude(pk__in=rows.filter(touched).values("pk")), RoutedState.WITHDRAWN, at=at)
    return taken


def close(routed: QuerySet[RoutedItem], state: str, *, at: datetime) -> int:
    """End these routed items in this state; slots that are not filled take no label any more."""
    ids = list(routed.values_list("pk", flat=True))
    slots = lock_rows(Slot.objects.filter(routed__in=ids).exclude(state=SlotState.FILLED))
    Slot.objects.filter(pk__in=slots).update(state=SlotState.CLOSED, lease_token="", leased_to=None, lease_until=None)
    return RoutedItem.objects.filter(pk__in=ids).update(state=state, closed_at=at)
