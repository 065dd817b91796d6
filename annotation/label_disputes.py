"""Disputes that a change of labels settles, since all votes are the same after it, and that open again when undone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from annotation import kinds, queues, resolution
from annotation.label_values import holds_label
from annotation.models import (
    Cause,
    Label,
    LabelChange,
    LabelRevision,
    LabelState,
    Resolution,
    RoutedItem,
    RoutedState,
    Slot,
    SlotState,
)
from annotation.votes import Vote, votes_on, votes_on_disputes
from projects.bulk_insert import json_text
from projects.models import Project


def open_disputes(project: Project) -> QuerySet[RoutedItem]:
    """Disputes that nobody is deciding."""
    busy = Slot.objects.filter(routed=OuterRef("pk"), state__in=[SlotState.FILLED, SlotState.LEASED])
    found = RoutedItem.objects.filter(project=project, cause=Cause.DISPUTED, state=RoutedState.OPEN)
    return found.filter(~Exists(busy))


def count_settled(project: Project, follows: Mapping[str, str]) -> int:
    """How many disputes a change would settle."""
    kind = kinds.of_project(project)
    held = Label.objects.filter(holds_label(project, list(follows)), item=OuterRef("item"), state=LabelState.GIVEN)
    settled = 0
    for votes in votes_on_disputes(open_disputes(project).filter(Exists(held))).values():
        replaced = [kind.replace_labels(vote.value, follows) for vote in votes]
        changed = any(new != vote.value for new, vote in zip(replaced, votes, strict=True))
        settled += changed and _is_settled(votes, replaced)
    return settled


def _is_settled(votes: Sequence[Vote], values: Sequence[Any]) -> bool:
    """All say the same, and nobody flagged it for the reviewers."""
    return len({json_text(value) for value in values}) == 1 and not any(vote.flagged for vote in votes)


def disputes_of(change: LabelChange) -> QuerySet[RoutedItem]:
    """Those of them that hold one of the labels."""
    revised = LabelRevision.objects.filter(schema_version=change.schema_version, label__item=OuterRef("item"))
    return open_disputes(change.project).filter(Exists(revised))


def settle_disputes(change: LabelChange, at: datetime, ids: Sequence[int]) -> int:
    """Agree on the items whose votes are all the same now; one that somebody flagged stays with the reviewers."""
    settled = 0
    for routed in RoutedItem.objects.filter(pk__in=ids).order_by("pk"):
        routed.project = change.project
        votes = votes_on(routed)
        if not _is_settled(votes, [vote.value for vote in votes]):
            continue
        queues.close(RoutedItem.objects.filter(pk=routed.pk), RoutedState.DONE, at=at)
        unanimous = Resolution.Method.UNANIMOUS
        made = resolution.conclude(routed, votes[0].value, unanimous, 1.0, votes, at=at)
        Resolution.objects.filter(pk=made.pk).update(schema_version=change.schema_version, changed_at=at)
        settled += 1
    return settled


def dispute_again(at: datetime, ids: Sequence[int]) -> int:
    """Open the disputes again that the merge settled."""
    for made in Resolution.objects.filter(pk__in=ids).order_by("pk"):
        closed = settled_disputes(made.item_id, made.resolved_at)
        routed = closed.select_related("project").order_by("-pk").first()
        if routed is not None:
            resolution.reopen(routed, at=at)
            resolution.restore(routed, at=at)
    return len(ids)


def settled_disputes(item: Any, at: Any) -> QuerySet[RoutedItem]:
    """Disputes that were closed without anybody's answer, as a merge closes them."""
    answered = Slot.objects.filter(routed=OuterRef("pk"), state=SlotState.FILLED)
    closed = RoutedItem.objects.filter(item=item, closed_at=at, cause=Cause.DISPUTED, state=RoutedState.DONE)
    return closed.filter(~Exists(answered))
