"""Requests for labels: audit items that would decide a verdict, or items of a comparison again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import Cause, Queue, RoutedItem, RoutedState
from annotation.queues import Entry, Put
from annotation.routing import audit_draw
from projects import audit
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project, User
from retraining.models import ModelVersion, Rollout
from retraining.verdict_words import side_name
from validation import InvalidInput


class NothingToDraw(InvalidInput):
    """No unlabelled item is left that could be drawn."""


@dataclass(frozen=True)
class RelabelRequest:
    """A queue made of a selection, and what was put into it."""

    queue: Queue
    put: Put


def request_audit_labels(version: ModelVersion, *, count: int, by: User, at: datetime) -> Put:
    """Ask `count` more audit items: drawn like every other, so they count in live metrics as they do here.

    They are measured with and never trained on.
    """
    project = version.project
    put = audit_draw.queue_more_draws(project, count, reason=f"drawn for the audit, to judge {version}", at=at)
    if not put.created:
        raise NothingToDraw("No unlabelled item is left to draw from; capture more predictions first.")
    details = {"version": version.tag, "asked": count, "put": put.created}
    audit.record("queue.ask", by=by, at=at, project=project, target="audit", details=details)
    return put


def request_relabel(
    version: ModelVersion, *, item_ids: Sequence[int], words: str, by: User, at: datetime
) -> RelabelRequest:
    """Let people look once more at items of a comparison. Nothing is drawn here, so they represent nothing else."""
    title = f"{version} against {side_name(version.verdict.against if version.verdict else '')}: {words}"
    queue = queues.create(version.project, title=title, cause=Cause.SUSPECTED, by=by, at=at)
    entries = [
        Entry(
            item_id=item_id,
            reason=f"{words} by {version}",
            numbers={},
            inclusion_probability=1.0,
            priority=1 - place / len(item_ids),
            strategy="selection",
        )
        for place, item_id in enumerate(item_ids)
    ]
    return RelabelRequest(queue, queues.add_entries(queue, entries, at=at))


@retry_conflicts
@transaction.atomic
def request_shadow_labels(rollout: Rollout, *, item_ids: Sequence[int], by: User, at: datetime) -> RelabelRequest:
    """Let people decide where a shadow answers otherwise. The items train.

    Raises NothingToDraw where it answers nothing otherwise, and where a queue of this title still has items: asked for
    twice, as by a double click, it is one.
    """
    title = f"{rollout.tag} in the shadow of {rollout.against}"
    lock_rows(Project.objects.filter(pk=rollout.project_id))
    waiting = RoutedItem.objects.filter(state__in=(RoutedState.OPEN, RoutedState.REVIEW)).values("queue")
    if rollout.project.queues.filter(title=title, pk__in=waiting).exists():
        raise NothingToDraw(f"{title} has items that wait already.")
    if not item_ids:
        raise NothingToDraw(f"{rollout.tag} answers nothing otherwise than {rollout.against}.")
    lock_items(item_ids)
    queue = queues.create(rollout.project, title=title, cause=Cause.SUSPECTED, by=by, at=at)
    entries = [
        Entry(
            item_id=item_id,
            reason=f"{rollout.tag} answers otherwise than {rollout.against}",
            numbers={},
            inclusion_probability=1.0,
            priority=1 - place / len(item_ids),
            strategy="selection",
        )
        for place, item_id in enumerate(item_ids)
    ]
    return RelabelRequest(queue, queues.add_entries(queue, entries, at=at))
