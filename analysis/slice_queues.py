"""Queues of items that are drawn at random from a slice, and what labelling them costs and gains."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from django.db import transaction

from analysis.item_filters import Filters
from analysis.items import ItemSelection
from analysis.metrics.core.stored import StoredEstimate
from analysis.relabel import NothingToQueue
from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import Cause, Label, Queue, RoutedItem, RoutedState
from annotation.queues import Entry
from projects.formatting import span
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project, User

DRAWN_AT_ONCE = 50
LAST_LABELS = 200
WAITING = (RoutedState.OPEN, RoutedState.REVIEW)


@dataclass(frozen=True)
class SliceDraw:
    """A queue of `drawn` items, a uniform sample of the `candidates` of a slice: no label, in no queue."""

    queue: Queue
    drawn: int
    candidates: int


@retry_conflicts
@transaction.atomic
def queue_slice(
    project: Project, filters: Filters, *, title: str, words: str, count: int, by: User, at: datetime, seed: int
) -> SliceDraw:
    """Make a queue of so many items of the view, drawn at random; each entry records its inclusion probability.

    Raises NothingToQueue where every item of the slice is labelled or waits already, and where a queue of this title
    still has items: asked for twice, as by a double click, it is one.
    """
    lock_rows(Project.objects.filter(pk=project.pk))
    if title in queued_titles(project):
        raise NothingToQueue(f"{title} has items that wait already.")
    ids = candidates(project, filters, at=at, viewer=by)
    if not ids:
        raise NothingToQueue("Nothing added: every item of this slice is labelled or waits for a person already.")
    chosen = random.Random(seed).sample(ids, min(count, len(ids)))
    lock_items(chosen)
    queue = queues.create(project, title=title, cause=Cause.SLICE, by=by, at=at)
    chance = len(chosen) / len(ids)
    reason = f"slice: {words}; drawn at random, {len(chosen):,} of {len(ids):,}"[:300]
    put = queues.add_entries(queue, [_entry(pk, reason, chance) for pk in chosen], at=at)
    return SliceDraw(queue, put.created, len(ids))


def candidates(project: Project, filters: Filters, *, at: datetime, viewer: User | None) -> list[int]:
    """Ids of the items of a view that have no label and wait in no queue, in their order."""
    waiting = RoutedItem.objects.filter(item__project=project, state__in=WAITING)
    unlabelled = replace(filters, resolved="no")
    found = ItemSelection(project, unlabelled, at, viewer).matching().exclude(pk__in=waiting.values("item"))
    return list(found.order_by("pk").values_list("pk", flat=True))


def queued_titles(project: Project) -> dict[str, str]:
    """Title and slug of each queue of slices in which items wait."""
    open_items = RoutedItem.objects.filter(state__in=WAITING).values("queue")
    return dict(project.queues.filter(cause=Cause.SLICE, pk__in=open_items).values_list("title", "slug"))


def _entry(item: int, reason: str, chance: float) -> Entry:
    return Entry(
        item_id=item,
        reason=reason,
        numbers={},
        inclusion_probability=chance,
        priority=0.5,
        strategy="uniform",
    )


@dataclass(frozen=True)
class LabelBudget:
    """What `labels` more of a slice take and give. seconds: of one, None where no answer was timed. half, after: half
    the width of the interval of its error rate now, and about then, in points.
    """

    labels: int
    seconds: float | None
    half: float | None
    after: float | None

    @property
    def work(self) -> str:
        """How long people take for all of them, in words; "" where that is not known."""
        return "" if self.seconds is None else span(timedelta(seconds=self.seconds * self.labels))


def label_budget(project: Project, estimate: StoredEstimate, labels: int = DRAWN_AT_ONCE) -> LabelBudget:
    """The price of more labels of a slice, by how long people took for the last ones.

    An interval narrows with the root of the number of labels that it rests on.
    """
    return budget_at(seconds_per_label(project), estimate, labels)


def seconds_per_label(project: Project) -> float | None:
    """The median time of an answer, of the newest ones; None where none was timed."""
    newest = Label.objects.filter(project=project, seconds__isnull=False).order_by("-pk")
    timed = [seconds for seconds in newest.values_list("seconds", flat=True)[:LAST_LABELS] if seconds is not None]
    return median(timed) if timed else None


def budget_at(seconds: float | None, estimate: StoredEstimate, labels: int = DRAWN_AT_ONCE) -> LabelBudget:
    """The same with the time of an answer known."""
    if estimate.low is None or estimate.high is None:
        return LabelBudget(labels, seconds, None, None)
    half, carried = 50 * (estimate.high - estimate.low), estimate.effective_n or estimate.n
    return LabelBudget(labels, seconds, half, half * (carried / (carried + labels)) ** 0.5)
