"""Place the items that a round chose into queues.

Whether an item is chosen never depends on its own audit draw or label: picks are gone through in order until enough of
them are new questions, and every pick on the way counts as asked. One that the audit drew as well, or that has a label
already, stands for itself from now on and costs nobody a second answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import (
    EVALUATION_CAUSES,
    Cause,
    Item,
    NoLabelDecision,
    Resolution,
    RoutedItem,
    RoutedState,
    SupplyMark,
)
from annotation.routing import audit_draw
from annotation.routing.registry import Pick, RoutingCause
from projects.chunks import CHUNK, chunks
from projects.models import Project


@dataclass(frozen=True)
class CauseSelection:
    """What one cause chose: the picks that count as asked, in order, and those of them that are new questions."""

    cause: RoutingCause
    asked: list[Pick]
    questions: list[Pick]


def choose(
    project: Project, cause: RoutingCause, picks: Iterable[Pick], *, most: int, taken: set[int], at: datetime
) -> CauseSelection:
    """Go through the picks until `most` of them are new questions; `taken` grows by what was chosen.

    An urgent cause asks all that it picked and that neither waits already nor is settled.
    """
    new = [pick for pick in {pick.item_id: pick for pick in picks}.values() if pick.item_id not in taken]
    known = _known(project, [pick.item_id for pick in new])
    most = len(new) if cause.urgent else min(most, queues.budget_left(project, cause.name, at=at))
    chosen = CauseSelection(cause, [], [])
    for pick in (pick for pick in new if pick.item_id in known):
        if len(chosen.questions) >= most:
            break
        waits, resolved = known[pick.item_id]
        taken.add(pick.item_id)
        if pick.stands:
            chosen.asked.append(pick)
        if not waits and not (pick.settled if cause.urgent else resolved):
            chosen.questions.append(pick)
    return chosen


def _known(project: Project, ids: list[int]) -> dict[int, tuple[bool, bool]]:
    """Of the items of this project, whether each waits for an answer or a reviewer, and whether it needs no label."""
    waits = RoutedItem.objects.filter(item=OuterRef("pk"), state__in=[RoutedState.OPEN, RoutedState.REVIEW])
    resolved = Resolution.objects.current().filter(item=OuterRef("pk"))
    no_label = NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None)
    found: dict[int, tuple[bool, bool]] = {}
    for chunk in chunks(ids):
        items = Item.objects.filter(project=project, pk__in=chunk)
        rows = items.annotate(waits=Exists(waits), resolved=Exists(resolved) | Exists(no_label)).values_list(
            "pk", "waits", "resolved"
        )
        found |= {pk: (waits, resolved) for pk, waits, resolved in rows}
    return found


def lock(project: Project, *, at: datetime) -> None:
    """Let one transaction at a time put this project's items into queues, until it ends.

    Who waited sees what the other has put. Without it two would put the same items, and the second would find none.
    """
    if connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
        SupplyMark.objects.get_or_create(project=project, defaults={"low_water": 0, "updated_at": at})
        SupplyMark.objects.select_for_update(no_key=True).get(project=project)


def place(project: Project, chosen: Sequence[CauseSelection], *, audit: int, at: datetime) -> dict[str, int]:
    """Write the round: items leave the pool, questions wait in queues, audit items with them; counts by cause.

    Runs in the caller's transaction.
    """
    lock(project, at=at)
    lock_items(pick.item_id for one in chosen for pick in (*one.asked, *one.questions))
    _mark([pick.item_id for one in chosen for pick in one.asked], at)
    questions = [pick.item_id for one in chosen for pick in one.questions]
    drawn = {item.pk: item for item in _items(questions) if item.is_drawn}
    created: dict[str, int] = {}
    for one in chosen:
        for name, picks in _by_cause(one).items():
            entries = [
                _entry(pick, 1 - place / max(len(picks), 1), evaluation=name in EVALUATION_CAUSES)
                for place, pick in enumerate(picks)
                if pick.item_id not in drawn
            ]
            if entries:
                queue = queues.ensure(project, name, title=one.cause.title if name == one.cause.name else "", at=at)
                created[name] = created.get(name, 0) + queues.add_entries(queue, entries, at=at).created
    _certain([pick.item_id for one in chosen for pick in one.asked])
    free = audit_draw.not_asked(project).exclude(pk__in=list(drawn))
    waiting = list(free[: min(audit, queues.budget_left(project, Cause.AUDIT, at=at))])
    if put := audit_draw.queue_draws(project, [*drawn.values(), *waiting], at=at).created:
        created[Cause.AUDIT.value] = put
    return created


def _by_cause(chosen: CauseSelection) -> dict[str, list[Pick]]:
    groups: dict[str, list[Pick]] = {}
    for pick in chosen.questions:
        groups.setdefault(str(pick.cause or chosen.cause.name), []).append(pick)
    return groups


def _entry(pick: Pick, priority: float, *, evaluation: bool) -> queues.Entry:
    return queues.Entry(
        item_id=pick.item_id,
        reason=pick.reason,
        numbers=pick.numbers,
        inclusion_probability=pick.chance,
        priority=priority,
        evaluation=evaluation,
        scored_by=pick.scored_by,
        strategy=pick.strategy,
    )


def _items(ids: list[int]) -> list[Item]:
    return [item for chunk in chunks(ids) for item in Item.objects.filter(pk__in=chunk)]


def _mark(ids: list[int], at: datetime) -> None:
    """Take the asked items out of the pool, each with its place in this round.

    Items that a round of the former design weighed keep that round's draws: they are asked, and stand for nothing.
    """
    rank = {pk: place for place, pk in enumerate(ids)}
    items = [item for item in _items(ids) if item.in_pool]
    for item in items:
        item.in_pool = False
        if item.considered_at is None and item.audit_probability is not None:
            item.asked_at, item.asked_rank = at, rank[item.pk]
    Item.objects.bulk_update(items, ["in_pool", "asked_at", "asked_rank"], batch_size=CHUNK)


def _certain(ids: list[int]) -> None:
    """Audit items that the active part asked as well are in the sample for certain."""
    for chunk in chunks(ids):
        audit = RoutedItem.objects.filter(item__in=chunk, cause=Cause.AUDIT)
        audit.filter(item__asked_at__isnull=False).update(inclusion_probability=1.0, numbers={"also_active": True})
