"""Open routed items under a new champion: reason, numbers and priority are written again by a job, never on reading."""

from datetime import datetime

import numpy as np
from django.db import transaction

from annotation import kinds
from annotation.item_locks import lock_items
from annotation.models import Cause, Order, RoutedItem, RoutedState, Slot, SlotState
from annotation.routing.scores import scores
from annotation.sampling.uncertainty import margin
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project

SCORED_CAUSES = (Cause.UNCERTAIN, Cause.TYPICAL)


def refresh(project: Project, *, at: datetime) -> int:
    """Rank open uncertain and cold items by the champion's margin; what someone holds keeps its place."""
    stale = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN, cause__in=SCORED_CAUSES)
    stale = stale.filter(queue__order=Order.PRIORITY)  # in any other order the scores decide nothing
    held = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gte=at).values("routed")
    routed = list(stale.exclude(scored_by=project.champion_version).exclude(pk__in=held).order_by("pk"))
    values = kinds.class_names(project)
    probabilities, versions = scores(project, [row.item_id for row in routed], len(values))
    ready = [i for i, version in enumerate(versions) if version and version == project.champion_version]
    if not ready:
        return 0
    margins = margin(probabilities[ready])
    rank = np.argsort(np.argsort(margins, kind="stable"), kind="stable")
    for place, row_margin, i in zip(rank, margins, ready, strict=True):
        _describe(routed[i], probabilities[i], float(row_margin), values)
        routed[i].priority, routed[i].scored_by = 1 - float(place) / len(ready), project.champion_version
    _write([routed[i] for i in ready])
    return len(ready)


def _describe(routed: RoutedItem, probabilities: np.ndarray, row_margin: float, values: tuple[str, ...]) -> None:
    first, second = np.argsort(-probabilities)[:2]
    routed.cause = Cause.UNCERTAIN
    routed.reason = f"{values[first]} against {values[second]}, margin {row_margin:.2f}"
    routed.numbers = {"margin": round(row_margin, 4), "first": values[first], "second": values[second]}


@retry_conflicts
@transaction.atomic
def _write(rows: list[RoutedItem]) -> None:
    lock_items(row.item_id for row in rows)
    priority = {row.pk: row.priority for row in rows}
    open_slots = lock_rows(Slot.objects.filter(routed__in=list(priority), state=SlotState.OPEN))
    slots = list(Slot.objects.filter(pk__in=open_slots).select_related("queue"))
    for slot in slots:
        slot.priority = slot.queue.weight + priority[slot.routed_id]
    Slot.objects.bulk_update(slots, ["priority"], batch_size=200)
    RoutedItem.objects.bulk_update(rows, ["cause", "reason", "numbers", "priority", "scored_by"], batch_size=200)
