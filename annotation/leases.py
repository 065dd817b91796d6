"""Leases of slots: claims in one statement, heartbeats, and expiry.

A claim takes slots with one conditional UPDATE, so that two people never hold the same one: SQLite has one writer at a
time, PostgreSQL locks the rows it looks at and skips those that another claim looks at. An expired slot is claimable
like an open one; a disputed item is given only to who asks for its queue. What to ask first stands in the slot's
priority. A claim that leaves little behind asks for a round of routing; one that finds too little is served by
annotation.routing.refill: no desk is empty while items are left.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotation import blinding, guidelines, versions
from annotation.lease_ends import FREE, length, release_silent
from annotation.models import Lease, MLBackend, Prediction, Queue, RoutedItem, Slot, SlotState
from annotation.routing import placing, refill
from annotation.score_order import ScoreOrder
from projects.chunks import within_size
from projects.ids import new_id
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project, User

MOST = 20
MOST_CHARACTERS = 4_000_000  # of the inputs of one claim

# Asked of a slot `s`: not an item that this person answered or skipped, not a second slot of an item (one that they
# hold, or one of a lower ordinal that is free too).
FRESH = """
    AND NOT EXISTS (SELECT 1 FROM annotation_label l WHERE l.item_id = s.item_id AND l.user_id = %(user)s
                    AND l.state IN ('given', 'skipped'))
    AND NOT EXISTS (SELECT 1 FROM annotation_slot m WHERE m.item_id = s.item_id AND m.leased_to_id = %(user)s
                    AND m.state = 'leased' AND m.id <> s.id)
    AND NOT EXISTS (SELECT 1 FROM annotation_slot o WHERE o.routed_id = s.routed_id AND o.ordinal < s.ordinal
                    AND (o.state = 'open' OR (o.state = 'leased' AND o.lease_until <= %(now)s)))
    ORDER BY s.priority DESC, s.id LIMIT %(count)s"""
OF_PROJECT = """s.project_id = %(project)s
    AND s.queue_id NOT IN (SELECT q.id FROM annotation_queue q
                           WHERE q.project_id = %(project)s AND (q.paused OR q.cause = 'disputed'))"""
OF_QUEUE = "s.project_id = %(project)s AND s.queue_id = %(queue)s"
# States are written out, not passed: a partial index serves only a query that shows its condition.
CLAIM = """
WITH free AS (
    SELECT s.id, s.priority FROM annotation_slot s WHERE {scope} AND s.state = 'open' {fresh} {lock}
), lapsed AS (
    SELECT s.id, s.priority FROM annotation_slot s
    WHERE {scope} AND s.state = 'leased' AND s.lease_until <= %(now)s {fresh} {lock}
), picked AS (
    SELECT id FROM (SELECT * FROM free UNION ALL SELECT * FROM lapsed) AS both_kinds
    ORDER BY priority DESC, id LIMIT %(count)s
)
UPDATE annotation_slot
SET state = 'leased', lease_token = %(token)s, leased_to_id = %(user)s, lease_until = %(until)s
WHERE id IN (SELECT id FROM picked)
RETURNING id, routed_id, priority"""


Taken = tuple[int, int, float]
"""A slot that a claim took: ids of the slot and of its routed item, and its priority."""


@retry_conflicts
def claim(
    project: Project, *, by: User, count: int, queue: Queue | None = None, beats: bool = False, at: datetime
) -> list[Lease]:
    """Lease up to `count` items to this person, the most wanted first; an empty list where nothing waits for them.

    Each lease comes with its slot, routed item and item loaded. Fewer are leased where their inputs are very long.
    `beats`: who asks extends them by heartbeats, and gives them up where none comes (`release_silent`).
    """
    if queue is not None and (queue.paused or queue.project_id != project.pk):
        return []
    token, wanted = new_id("lease"), min(max(count, 0), MOST)
    take = partial(_take, project, by=by, queue=queue, token=token, at=at)
    with transaction.atomic():
        rows = _take_and_refill(project, take, queue=queue, count=wanted, at=at)
        refill.notice(project, by=by, at=at)
        given = _grant(project, rows, by=by, token=token, beats=beats, at=at) if rows else []
        kept = within_size(given, size=lambda lease: len(str(lease.item.inputs)), most=MOST_CHARACTERS)
        for lease in given[len(kept) :]:
            give_back(lease, by=by, at=at)
        return kept


def _take_and_refill(
    project: Project, take: Callable[..., list[Taken]], *, queue: Queue | None, count: int, at: datetime
) -> list[Taken]:
    """What waits; where that is too little, what claims at the same moment let wait, and what routing has yet to ask.

    Where nothing is left to ask, what desks hold that have closed.

    Slots are given back before items are locked, which stand before them in the order of locks: see item_locks.
    """
    before = transaction.savepoint()
    rows = take(count=count)
    if len(rows) == count:
        return rows
    if not refill.has_more(project, queue):
        if not rows:
            release_silent(project, at=at)
        return rows + take(count=count - len(rows))
    transaction.savepoint_rollback(before)
    placing.lock(project, at=at)
    before = transaction.savepoint()
    rows = take(count=count)
    if len(rows) < count:
        transaction.savepoint_rollback(before)
        refill.serve(project, count - len(rows), queue=queue, at=at)
        rows = take(count=count)
    return rows


def statement(queue: Queue | None, *, postgres: bool) -> str:
    """The claim for one queue or for the whole project."""
    lock = "FOR UPDATE OF s SKIP LOCKED" if postgres else ""
    return CLAIM.format(scope=OF_QUEUE if queue else OF_PROJECT, fresh=FRESH, lock=lock)


def _take(project: Project, *, by: User, count: int, queue: Queue | None, token: str, at: datetime) -> list[Taken]:
    """Take up to `count` slots, the most wanted first."""
    values = {
        "project": project.pk,
        "queue": queue.pk if queue else None,
        "user": by.pk,
        "count": count,
        "token": token,
        "now": _stored(at),
        "until": _stored(at + length()),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement(queue, postgres=connection.vendor == "postgresql"), values)
        return sorted(cursor.fetchall(), key=lambda row: (-row[2], row[0]))


def _stored(moment: datetime) -> Any:
    """The time as Django writes it into this database, so that both sides compare alike."""
    return connection.ops.adapt_datetimefield_value(moment)


def _grant(project: Project, rows: Sequence[Taken], *, by: User, token: str, beats: bool, at: datetime) -> list[Lease]:
    """One Lease row for each slot of the claim; the number after the hyphen tells them apart."""
    routed = RoutedItem.objects.select_related("item").in_bulk([row[1] for row in rows])
    guideline = guidelines.version(project)
    leases = [
        Lease(
            token=f"{token}-{number}",
            project=project,
            item=routed[routed_id].item,
            user=by,
            granted_at=at,
            beats=beats,
            slot=Slot(
                pk=slot_id,
                project=project,
                queue_id=routed[routed_id].queue_id,
                routed=routed[routed_id],
                item=routed[routed_id].item,
                state=SlotState.LEASED,
                leased_to=by,
                lease_token=token,
                lease_until=at + length(),
                priority=priority,
            ),
            guideline_version=guideline,
        )
        for number, (slot_id, routed_id, priority) in enumerate(rows, 1)
    ]
    return Lease.objects.bulk_create(leases)


def claim_of(token: str) -> str:
    """The claim that a lease's token belongs to: what the slot carries while this lease holds it."""
    return token.rpartition("-")[0]


def holds_slot(lease: Lease) -> bool:
    """Whether this lease still holds its slot, whatever the clock says: an expired one that nobody took does."""
    slot = lease.slot
    return slot.state == SlotState.LEASED and slot.lease_token == claim_of(lease.token)


@retry_conflicts
@transaction.atomic
def resume(project: Project, *, tokens: Sequence[str], by: User, at: datetime) -> list[Lease]:
    """Extend these leases and return those that still hold, in the order given; what others took is left out."""
    if not tokens:
        return []
    mine = Lease.objects.filter(project=project, user=by, token__in=tokens)
    claims = {claim_of(token) for token in tokens}
    slots = Slot.objects.filter(
        pk__in=mine.values("slot"), state=SlotState.LEASED, leased_to=by, lease_token__in=claims
    )
    Slot.objects.filter(pk__in=lock_rows(slots)).update(lease_until=at + length())
    held = {lease.token: lease for lease in mine.select_related("slot__routed", "item") if holds_slot(lease)}
    return [held[token] for token in tokens if token in held]


def extend(project: Project, *, tokens: Sequence[str], by: User, at: datetime) -> list[str]:
    """Heartbeat: the tokens that still hold, extended from now."""
    return [lease.token for lease in resume(project, tokens=tokens, by=by, at=at)]


def suggestions(project: Project, leases: Sequence[Lease]) -> dict[int, dict[str, Any]]:
    """What a backend that suggests, else the champion, or else the newest version, says of each item, by item id.

    Nothing for evaluation items, and for none at all unless the project shows reasons: otherwise these would stand out.
    """
    if not blinding.shows_reasons(project):
        return {}
    asked = [lease.item_id for lease in leases if not blinding.is_evaluation(lease.slot.routed)]
    answered = Prediction.objects.filter(versions.ANSWERED, item__in=asked).order_by("at", "pk")
    suggests = MLBackend.objects.filter(project=project, enabled=True, model_version=OuterRef("model_version"))
    said = answered.defer("scores").annotate(suggests=Exists(suggests))
    last_wins = sorted(said, key=lambda one: (one.suggests, one.model_version == project.champion_version))
    order = ScoreOrder(project)
    return {
        one.item_id: {
            "value": order.counted(one.predicted_value),
            "confidence": one.confidence,
            "model_version": one.model_version,
        }
        for one in last_wins
    }


def hold_again(lease: Lease, state: str, *, at: datetime) -> bool:
    """Lease the slot again if it is still in `state`; False where it is not, or its person holds another of the item.

    Raises IntegrityError where they take another at this moment and the item is not locked.
    """
    held = Slot.objects.filter(item=lease.item_id, leased_to=lease.user_id, state=SlotState.LEASED)
    if held.exclude(pk=lease.slot_id).exists():
        return False
    taken = Slot.objects.filter(pk=lease.slot_id, state=state).update(
        state=SlotState.LEASED,
        lease_token=claim_of(lease.token),
        leased_to=lease.user_id,
        lease_until=at + length(),
    )
    if taken:
        Lease.objects.filter(pk=lease.pk).update(ended_at=None)
    return bool(taken)


@transaction.atomic
def give_back(lease: Lease, *, by: User, at: datetime) -> bool:
    """Free the slot for others; False where this lease no longer holds it."""
    freed = Slot.objects.filter(
        pk=lease.slot_id, state=SlotState.LEASED, leased_to=by, lease_token=claim_of(lease.token)
    ).update(**FREE)
    if freed:
        Lease.objects.filter(pk=lease.pk).update(ended_at=at)
    return bool(freed)


@retry_conflicts
@transaction.atomic
def give_back_all(
    project: Project, *, tokens: Sequence[str], by: User, granted_by: datetime | None = None, at: datetime
) -> int:
    """Free what these tokens hold, as at the end of a sitting, and return how many.

    What was granted or taken up again after `granted_by` stays: the word of a page that was closed can come after the
    first call of the page that took its place.
    """
    mine = Lease.objects.filter(project=project, user=by, token__in=tokens)
    if granted_by is not None:
        mine = mine.filter(granted_at__lte=granted_by)
    held = {lease.slot_id: lease.pk for lease in mine.select_related("slot") if holds_slot(lease)}
    claims = {claim_of(token) for token in tokens}
    slots = Slot.objects.filter(pk__in=held, state=SlotState.LEASED, leased_to=by, lease_token__in=claims)
    count = Slot.objects.filter(pk__in=lock_rows(slots)).update(**FREE)
    Lease.objects.filter(pk__in=held.values()).update(ended_at=at)
    return count
