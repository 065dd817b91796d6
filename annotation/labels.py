"""Submit, undo and revise labels; idempotent per lease, append-only.

Nothing here talks to a broker: an answer is taken with every worker and queue down.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Unpack

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotation import guidelines, kinds, resolution
from annotation.answers import AnswerRefused, GivenAnswer, ValidAnswer, validate_answer
from annotation.batches import LONGEST_ERROR
from annotation.lease_ends import FREE
from annotation.leases import claim_of, hold_again
from annotation.models import (
    Item,
    Label,
    LabelChange,
    LabelRevision,
    LabelState,
    Lease,
    NoLabelDecision,
    Resolution,
    RoutedState,
    Slot,
    SlotState,
)
from jobs.models import WebhookEndpoint
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project, User
from validation.json_values import shorten

Status = Literal["created", "existing", "extra", "refused"]


@dataclass(frozen=True)
class Submitted:
    """What became of an answer: taken, taken before, kept as an extra judgement, or refused with its reason."""

    token: str
    status: Status
    error: str | None = None


@retry_conflicts
def submit(
    project: Project,
    token: str,
    *,
    by: User,
    at: datetime,
    **given: Unpack[GivenAnswer],
) -> Submitted:
    """Take one person's answer to the item that they leased.

    The lease is the idempotency key: the same answer again is `existing`, another one is refused until the first is
    undone. An answer that comes after the lease ended fills the slot if nobody else has; else it is kept as `extra`.
    """
    try:
        answer = validate_answer(project, **given)
        with transaction.atomic():
            lease = locked(project, token, by=by)
            answer.check_fit(lease)
            label = getattr(lease, "label", None)
            if label and label.state != LabelState.UNDONE:
                return _repeat(label, answer)
            return Submitted(token, _store_answer(lease, label, answer, at=at))
    except AnswerRefused as why:
        return Submitted(token, "refused", shorten(str(why), LONGEST_ERROR))


def locked(project: Project, token: str, *, by: User) -> Lease:
    """This person's lease with all that hangs on it, after everything else that is being done to its item.

    On PostgreSQL the item's row is locked in a statement of its own: what is read next is then what others committed.
    SQLite has one writer at a time already.
    """
    mine = Lease.objects.filter(project=project, token=token)
    if connection.features.has_select_for_update:
        lock_rows(Item.objects.filter(pk__in=mine.values("item")))
    no_label = NoLabelDecision.objects.filter(item=OuterRef("item"), withdrawn_at=None)
    stands = Exists(Resolution.objects.current().filter(item=OuterRef("item"))) | Exists(no_label)
    heard = Exists(WebhookEndpoint.objects.filter(project=project, enabled=True))
    lease = mine.select_related("slot__routed", "label").annotate(stands=stands, heard=heard).first()
    if lease is None:
        raise AnswerRefused("There is no such lease in this project.", 404)
    if lease.user_id != by.pk:
        raise AnswerRefused("This lease belongs to another person.", 403)
    lease.slot.routed.project = lease.project = project
    return lease


def _repeat(label: Label, answer: ValidAnswer) -> Submitted:
    token = label.lease.token
    if label.revisions.filter(body_hash=answer.hash).exclude(state=LabelState.UNDONE).exists():
        return Submitted(token, "existing")
    raise AnswerRefused("This lease was answered otherwise before; undo that answer first.")


def _store_answer(lease: Lease, label: Label | None, answer: ValidAnswer, *, at: datetime) -> Status:
    """Fill or free the slot, write the answer, and settle the item where this was the last slot."""
    routed = lease.slot.routed
    extra = not answer.skip and not _fill(lease)
    if answer.skip:
        Slot.objects.filter(pk=lease.slot_id, state=SlotState.LEASED, lease_token=claim_of(lease.token)).update(**FREE)
    given = _write(lease, label, answer, extra=extra, at=at)
    Lease.objects.filter(pk=lease.pk).update(ended_at=at)
    if answer.skip:
        resolution.skipped(routed, flagged=answer.flagged, at=at)
    elif not extra:
        looked: Any = lease  # with what `locked` reads beside it
        known = resolution.LookedUp(agreed_before=looked.stands, is_heard=looked.heard)
        resolution.settle_routed(routed, at=at, only=given, known=known)
    return "extra" if extra else "created"


def _fill(lease: Lease) -> bool:
    """Take the slot unless somebody else's label, or a decision, has it; late or not is all the same."""
    slot = lease.slot
    if slot.routed.overlap > 1 and _voted(lease):
        return False
    free = Slot.objects.filter(pk=slot.pk, state__in=[SlotState.OPEN, SlotState.LEASED])
    return bool(
        free.update(
            state=SlotState.FILLED, lease_token=claim_of(lease.token), leased_to=lease.user_id, lease_until=None
        )
    )


def _voted(lease: Lease) -> bool:
    """Whether this person fills another slot of the item: two of their leases can meet there when one came late."""
    mine = Label.objects.filter(user=lease.user_id, state=LabelState.GIVEN, extra=False)
    return mine.filter(slot__routed=lease.slot.routed_id).exclude(lease=lease).exists()


def _write(lease: Lease, label: Label | None, answer: ValidAnswer, *, extra: bool, at: datetime) -> Label:
    """The label as it now stands and the revision that says so."""
    routed = lease.slot.routed
    label = label or Label(
        project=lease.project,
        item_id=lease.item_id,
        lease=lease,
        user_id=lease.user_id,
        cause=routed.cause,
        guideline_version=lease.guideline_version,
        inclusion_probability=routed.inclusion_probability,
        revision=0,
        created_at=at,
    )
    label.slot_id = None if extra else lease.slot_id
    label.state, label.value, label.extra, label.flagged = answer.state, answer.said, extra, answer.flagged
    label.also, label.seconds = answer.also or None, answer.seconds
    append(label, body_hash=answer.hash, comment=answer.comment, by_id=lease.user_id, at=at)
    _count_merged(label, answer, project=lease.project, by_id=lease.user_id, at=at)
    return label


def _count_merged(label: Label, answer: ValidAnswer, *, project: Project, by_id: int, at: datetime) -> None:
    """Further revisions where the answer names a label that was merged: what was said stays in the history.

    There is one for each change of labels that concerns it, as the job of that change would have written it, so
    that each can be undone alone.
    """
    if answer.said == answer.value:
        return
    kind = kinds.of_project(project)
    for change in LabelChange.objects.in_force(project):
        _count_as(label, kind.replace_labels(label.value, change.follows), change.schema_version, by_id, at)
    _count_as(label, answer.value, project.schema().version, by_id, at)


def _count_as(label: Label, value: Any, schema_version: int, by_id: int, at: datetime) -> None:
    if label.value != value:
        label.value = value
        append(label, body_hash="", by_id=by_id, at=at, schema_version=schema_version)


def append(
    label: Label, *, body_hash: str, comment: str = "", by_id: int, at: datetime, schema_version: int | None = None
) -> None:
    """Save the label's head and append the revision that tells of it."""
    label.revision, label.updated_at = label.revision + 1, at
    label.save()
    LabelRevision.objects.create(
        label=label,
        number=label.revision,
        state=label.state,
        value=label.value,
        also=label.also,
        body_hash=body_hash,
        comment=comment,
        by_id=by_id,
        at=at,
        schema_version=schema_version,
    )


@retry_conflicts
def undo(project: Project, token: str, *, by: User, at: datetime) -> Lease:
    """Take an answer back: the lease is the person's again, with its slot if nobody took that meanwhile.

    Undoing twice is no error. Raises AnswerRefused where there is no answer, or where the item has moved on since.
    """
    with transaction.atomic():
        lease = locked(project, token, by=by)
        label = getattr(lease, "label", None)
        if label is None:
            raise AnswerRefused("There is no answer to undo for this lease.")
        if label.state != LabelState.UNDONE:
            _take_back(lease, label, at=at)
    return lease


def _take_back(lease: Lease, label: Label, *, at: datetime) -> None:
    routed, slot = lease.slot.routed, lease.slot
    skipped = label.state == LabelState.SKIPPED
    # What a skip led to is a review with the slot closed; whatever else became of the item, others did.
    led = routed.state == RoutedState.REVIEW and slot.state == SlotState.CLOSED if skipped else not label.extra
    if led and routed.state != RoutedState.OPEN:
        if why := resolution.moved_on(routed, by_id=lease.user_id):
            raise AnswerRefused(why)
        resolution.reopen(routed, at=at)
        resolution.restore(routed, at=at)
    label.state = LabelState.UNDONE
    append(label, body_hash="", by_id=lease.user_id, at=at)
    before = SlotState.OPEN if skipped else SlotState.FILLED
    if not label.extra and not hold_again(lease, before, at=at):
        Slot.objects.filter(pk=lease.slot_id, state=before).update(**FREE)  # nobody holds two slots of an item
    Lease.objects.filter(pk=lease.pk).update(ended_at=None)
    slot.refresh_from_db(fields=["state", "lease_until", "lease_token", "leased_to"])


@retry_conflicts
def revise(label: Label, *, value: Any, also: dict[str, Any] | None = None, by: User, at: datetime) -> Submitted:
    """Change one's own answer: a revision under the guideline now in force, and a new settlement where it counts."""
    project, token = label.project, label.lease.token
    try:
        answer = validate_answer(project, value=value, also=also, flagged=label.flagged, seconds=label.seconds)
        with transaction.atomic():
            lease = locked(project, token, by=by)
            label = lease.label
            if label.state != LabelState.GIVEN:
                raise AnswerRefused("This answer was undone or skipped; answer the item again instead.")
            answer.check_fit(lease)
            if (answer.value, answer.also) == (label.value, label.also or {}):
                return Submitted(token, "existing")
            _revise(lease, label, answer, at=at)
        return Submitted(token, "extra" if label.extra else "created")
    except AnswerRefused as why:
        return Submitted(token, "refused", shorten(str(why), LONGEST_ERROR))


def _revise(lease: Lease, label: Label, answer: ValidAnswer, *, at: datetime) -> None:
    routed = lease.slot.routed
    settled = not label.extra and routed.state != RoutedState.OPEN
    if settled and (why := resolution.moved_on(routed, by_id=lease.user_id)):
        raise AnswerRefused(why)
    label.value, label.also = answer.said, answer.also or None
    label.guideline_version = guidelines.version(lease.project)
    append(label, body_hash=answer.hash, by_id=lease.user_id, at=at)
    _count_merged(label, answer, project=lease.project, by_id=lease.user_id, at=at)
    if settled:
        resolution.reopen(routed, at=at)
        if resolution.settle_routed(routed, at=at) is None:
            resolution.restore(routed, at=at)
