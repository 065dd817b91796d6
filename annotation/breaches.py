"""Notices when something waits longer in a queue than it may, and tells the endpoints of webhooks once."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from annotation.models import Queue, QueueBreach, RoutedItem, RoutedState
from jobs.models import EventType
from jobs.webhooks import outbox
from projects.locks import lock_rows
from projects.models import Project


def note_breaches(project: Project, *, at: datetime) -> list[QueueBreach]:
    """Begin and end the breaches of a project's queues; returns those that began. A paused queue keeps its state.

    A breach and its event are written in one transaction, and a queue has one open breach at most: however often this
    is done, by however many processes, and whenever one is killed, each breach is sent once.
    """
    queues = project.queues.filter(sla_hours__isnull=False, paused=False).order_by("pk")
    began = [breach for queue in queues if (breach := _look_at(project, queue, at))]
    QueueBreach.objects.filter(project=project, queue__sla_hours=None, ended_at=None).update(ended_at=at)
    return began


def late_items(queue: Queue, *, at: datetime) -> QuerySet[RoutedItem]:
    """What waits in the queue for longer than it may; nothing where there is no limit."""
    if queue.sla_hours is None:
        return RoutedItem.objects.none()
    limit = at - timedelta(hours=queue.sla_hours)
    return RoutedItem.objects.filter(queue=queue, state=RoutedState.OPEN, routed_at__lt=limit)


@transaction.atomic
def _look_at(project: Project, queue: Queue, at: datetime) -> QueueBreach | None:
    """The breach that begins; None where nothing is late, or one is open already."""
    lock_rows(Queue.objects.filter(pk=queue.pk))  # of two looks at once the second sees what the first began
    late = late_items(queue, at=at)
    first = late.select_related("item").order_by("routed_at", "pk").first()
    if first is None:
        began_before = QueueBreach.objects.filter(queue=queue, ended_at=None, noticed_at__lte=at)
        began_before.update(ended_at=at)  # a look that was slow to get the lock ends none that a later one began
        return None
    due = first.routed_at + timedelta(hours=queue.sla_hours or 0)
    values = {"project": project, "due_at": due, "late": late.count(), "noticed_at": at}
    breach, began = QueueBreach.objects.get_or_create(queue=queue, ended_at=None, defaults=values)
    if not began:
        return None
    data = partial(_data, breach, queue, first)
    outbox.add_event(EventType.QUEUE_BREACHED, project=project, subject=f"breach {breach.pk}", data=data, at=at)
    return breach


def _data(breach: QueueBreach, queue: Queue, first: RoutedItem) -> dict[str, Any]:
    return {
        "queue": queue.slug,
        "title": queue.title,
        "sla_hours": queue.sla_hours,
        "late": breach.late,
        "waiting": RoutedItem.objects.filter(queue=queue, state=RoutedState.OPEN).count(),
        "due_at": breach.due_at.isoformat(),
        "item": first.item.uid,
        "key": first.item.key,
    }
