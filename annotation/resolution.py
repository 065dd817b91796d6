"""Resolutions: votes of an item become its label, disagreement goes to a reviewer.

The votes on a routed item are the labels that fill its slots. Where they do not settle, the routed item waits in
review and the item is asked again as disputed; its votes then count together with the new ones. A reviewer's answer to
a disputed item decides. A resolution is never changed: a new one supersedes it.

Callers that write hold the item's lock (annotation.labels does), so that two last votes cannot miss each other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from annotation import kinds, queues, resolution_events, side_answers
from annotation.dispute_words import why_disputed
from annotation.item_locks import lock_items
from annotation.models import (
    IN_REVIEW,
    LONGEST_REASON,
    Cause,
    Item,
    Label,
    LabelState,
    NoLabelDecision,
    Resolution,
    RoutedItem,
    RoutedState,
    Slot,
    SlotState,
)
from annotation.votes import Vote, votes_on
from projects import audit
from projects.locks import retry_conflicts
from projects.models import Can, Project, Role, User
from validation import InvalidInput
from validation.json_values import is_storable_text

SKIPS = 2  # of different people


class NoReason(InvalidInput):
    """A decision that no label fits needs a reason, which counts and teaches."""


@dataclass(frozen=True)
class LookedUp:
    """Whether something may have been agreed of the item before, and whether a webhook endpoint may listen."""

    agreed_before: bool = True
    is_heard: bool = True


NOT_LOOKED = LookedUp()


@transaction.atomic
def settle(item: Item, *, at: datetime) -> Resolution | None:
    """Agree on the item's value if every slot of its last routing is filled; None where it is not agreed."""
    lock_items([item.pk])
    routed = item.routed_items.select_related("project").exclude(state=RoutedState.WITHDRAWN).order_by("-pk").first()
    return settle_routed(routed, at=at) if routed and routed.state == RoutedState.OPEN else None


def settle_routed(
    routed: RoutedItem, *, at: datetime, only: Label | None = None, known: LookedUp = NOT_LOOKED
) -> Resolution | None:
    """Agree on what this routed item asked, if its votes are all in; the caller holds the item's lock.

    Votes that do not settle, or a flag, send the item to review and ask it again as disputed. `only` is the label just
    given, and `known` what was looked up with it, so that the commonest answer asks for nothing known.
    """
    alone = only is not None and routed.overlap == 1 and routed.cause != Cause.DISPUTED
    votes = [Vote(only.value, only.user_id, only.flagged, True, only.also)] if only and alone else votes_on(routed)
    here = [vote for vote in votes if vote.here]
    if len(here) < routed.overlap:
        return None
    if reviewer := _reviewer(routed, here):
        decided, by_reviewer = here[-1], Resolution.Method.REVIEWER
        return conclude(routed, decided.value, by_reviewer, 1.0, votes, by_id=reviewer, decided=decided.also, at=at)
    settled = kinds.of_project(routed.project).resolve([vote.value for vote in votes])
    if settled is None or any(vote.flagged for vote in here):
        dispute(routed, votes, at=at)
        return None
    method = Resolution.Method(settled.rule)
    return conclude(routed, settled.value, method, settled.quality, votes, known=known, at=at)


def _reviewer(routed: RoutedItem, here: list[Vote]) -> int | None:
    """The reviewer whose answer decides a dispute, or None."""
    if routed.cause != Cause.DISPUTED:
        return None
    roles = [role for role in Role if role.can(Can.REVIEW)]
    may = Q(is_superuser=True) | Q(memberships__project=routed.project_id, memberships__role__in=roles)
    return User.objects.filter(may, pk=here[-1].user_id).values_list("pk", flat=True).first()


def conclude(
    routed: RoutedItem,
    value: Any,
    method: str,
    quality: float,
    votes: Sequence[Vote],
    *,
    at: datetime,
    by_id: int | None = None,
    decided: Mapping[str, Any] | None = None,
    known: LookedUp = NOT_LOOKED,
) -> Resolution:
    """Agree on a value: supersede what was agreed before and close what asked. The caller holds the item's lock.

    `decided` are a reviewer's own side answers; of the other side questions the votes count.
    """
    if known.agreed_before:
        _supersede(routed.item_id, at=at)
    made = Resolution.objects.create(
        project_id=routed.project_id,
        item_id=routed.item_id,
        value=value,
        also=side_answers.agree(routed.project, value, [vote.also for vote in votes], decided),
        method=method,
        quality=quality,
        votes=len(votes),
        evaluation=routed.evaluation,
        resolved_by_id=by_id,
        resolved_at=at,
    )
    if known.is_heard:
        resolution_events.announce(made, routed.project)
    _asked(routed).update(state=RoutedState.DONE, closed_at=at)
    routed.state, routed.closed_at = RoutedState.DONE, at
    return made


def _supersede(item_id: int, *, at: datetime) -> None:
    """End what was agreed of the item, also that no label fits."""
    Resolution.objects.current().filter(item=item_id).update(superseded_at=at)
    NoLabelDecision.objects.filter(item=item_id, withdrawn_at=None).update(withdrawn_at=at)


def _asked(routed: RoutedItem) -> QuerySet[RoutedItem]:
    """The routed item, and with a dispute the routings that led to it."""
    mine = Q(pk=routed.pk)
    if routed.cause == Cause.DISPUTED:
        mine |= Q(item=routed.item_id, state=RoutedState.REVIEW)
    return RoutedItem.objects.filter(mine)


def dispute(routed: RoutedItem, votes: list[Vote], *, at: datetime) -> None:
    """Send a full routed item to review, and ask its item again in the disputed queue."""
    RoutedItem.objects.filter(pk=routed.pk).update(state=RoutedState.REVIEW, closed_at=at)
    routed.state, routed.closed_at = RoutedState.REVIEW, at
    kind, labels = kinds.of_project(routed.project), routed.project.schema().labels
    tally = Counter(kind.describe(vote.value, labels) for vote in votes)
    differ = any(vote.value != votes[0].value for vote in votes)
    entry = queues.Entry(
        item_id=routed.item_id,
        reason=why_disputed(len(votes), tally, differ=differ)[:LONGEST_REASON],
        numbers={"votes": dict(tally), "agreement": kind.agreement([vote.value for vote in votes])},
        inclusion_probability=routed.inclusion_probability,
        audit_probability=routed.audit_probability,
        priority=1.0,
        evaluation=routed.evaluation,
        scored_by=routed.scored_by,
        strategy="disagreement" if differ else "flag",
    )
    queues.add_entries(queues.ensure(routed.project, Cause.DISPUTED, at=at), [entry], at=at)


def skipped(routed: RoutedItem, *, flagged: bool, at: datetime) -> bool:
    """Send the item to review once two different people could not tell, or one flagged it; True where it goes."""
    people = Label.objects.filter(slot__routed=routed, state=LabelState.SKIPPED).values("user").distinct().count()
    if routed.state != RoutedState.OPEN or (people < SKIPS and not flagged):
        return False
    queues.close(RoutedItem.objects.filter(pk=routed.pk), RoutedState.REVIEW, at=at)
    routed.state, routed.closed_at = RoutedState.REVIEW, at
    return True


def moved_on(routed: RoutedItem, *, by_id: int) -> str | None:
    """Why an answer to this routed item can no longer be taken back, or None where it can."""
    later = RoutedItem.objects.filter(item=routed.item_id, pk__gt=routed.pk).exclude(state=RoutedState.WITHDRAWN)
    unanswered = later.filter(cause=Cause.DISPUTED, state=RoutedState.OPEN).exclude(slots__state=SlotState.FILLED)
    if later.exclude(pk__in=unanswered.values("pk")).exists():
        return "This item was asked again since; a reviewer settles it now."
    if NoLabelDecision.objects.filter(item=routed.item_id, withdrawn_at=None).exists():
        return "A reviewer decided this item since: no label fits."
    current = Resolution.objects.current().filter(item=routed.item_id).first()
    by_another = current and current.method == Resolution.Method.REVIEWER and current.resolved_by_id != by_id
    if by_another and routed.state == RoutedState.DONE:
        return "A reviewer decided this item since."
    return None


def reopen(routed: RoutedItem, *, at: datetime) -> None:
    """Ask this routed item again, because one of its votes was taken back: withdraw the dispute that nobody answered,
    open what was closed. What was resolved stands until `restore` or a new settlement."""
    disputes = RoutedItem.objects.filter(item=routed.item_id, pk__gt=routed.pk, state=RoutedState.OPEN)
    queues.close(disputes, RoutedState.WITHDRAWN, at=at)
    if routed.state == RoutedState.DONE and routed.cause == Cause.DISPUTED:
        led = RoutedItem.objects.filter(item=routed.item_id, pk__lt=routed.pk, closed_at=routed.closed_at)
        led.filter(state=RoutedState.DONE).update(state=RoutedState.REVIEW)
    Slot.objects.filter(routed=routed, state=SlotState.CLOSED).update(state=SlotState.OPEN)
    RoutedItem.objects.filter(pk=routed.pk).update(state=RoutedState.OPEN, closed_at=None)
    routed.state, routed.closed_at = RoutedState.OPEN, None


def restore(routed: RoutedItem, *, at: datetime) -> None:
    """Supersede what this routed item settled; what stood when it was asked, a label or that none fits, stands again,
    as a row of its own."""
    settled = Resolution.objects.current().filter(item=routed.item_id, resolved_at__gte=routed.routed_at)
    if not settled.update(superseded_at=at):
        return
    before = Resolution.objects.filter(item=routed.item_id).known_at(routed.routed_at).order_by("-pk").first()
    if before:
        before.pk, before.resolved_at, before.superseded_at = None, at, None
        labels = routed.project.schema().labels
        before.value = kinds.of_project(routed.project).replace_labels(before.value, kinds.successors(labels))
        before.save(force_insert=True)
        return
    stood = NoLabelDecision.objects.filter(item=routed.item_id, decided_at__lte=routed.routed_at)
    if none_fits := stood.filter(withdrawn_at__gt=routed.routed_at).order_by("-pk").first():
        none_fits.pk, none_fits.decided_at, none_fits.withdrawn_at = None, at, None
        none_fits.save(force_insert=True)


@retry_conflicts
@transaction.atomic
def resolve_by_person(
    item: Item, *, value: Any, also: dict[str, Any] | None = None, by: User, at: datetime
) -> Resolution:
    """A person's own decision, such as a reviewer's: it settles the item whatever was voted. Raises InvalidLabel.

    Of side questions that it does not answer the labels given count.
    """
    project = Project.objects.get(pk=item.project_id)
    labels = project.schema().labels
    kind = kinds.of_project(project)
    checked = kind.validate_for(
        kind.replace_labels(value, kinds.successors(labels)), kinds.offered(labels), item.inputs
    )
    decided = side_answers.accept_some(project, checked, also)
    _close_by_person(item, at=at)
    given = Label.objects.filter(item=item, state=LabelState.GIVEN, extra=False)
    votes = list(given.order_by("pk").values_list("also", flat=True))
    made = Resolution.objects.create(
        project=project,
        item=item,
        value=checked,
        also=side_answers.agree(project, checked, votes, decided),
        method=Resolution.Method.REVIEWER,
        quality=1.0,
        votes=len(votes),
        evaluation=item.is_drawn or RoutedItem.objects.filter(item=item, evaluation=True).exists(),
        resolved_by=by,
        resolved_at=at,
    )
    resolution_events.announce(made, project)
    audit.record("item.decide", by=by, at=at, project=project, target=item.uid, details={"value": checked})
    return made


@retry_conflicts
@transaction.atomic
def decide_no_label(item: Item, *, reason: str, by: User, at: datetime) -> NoLabelDecision:
    """A reviewer's decision that no label fits: the item leaves training and metrics. Raises NoReason."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST_REASON or not is_storable_text(reason):
        raise NoReason(f"Say why no label fits, in 1 to {LONGEST_REASON} characters.")
    _close_by_person(item, at=at)
    made = NoLabelDecision.objects.create(
        project_id=item.project_id, item=item, reason=reason, decided_by=by, decided_at=at
    )
    audit.record("item.no_label", by=by, at=at, project=item.project, target=item.uid, details={"reason": reason})
    return made


def _close_by_person(item: Item, *, at: datetime) -> None:
    """Lock the item, and end what asks about it and what was agreed of it."""
    lock_items([item.pk])
    Item.objects.filter(pk=item.pk, in_pool=True).update(in_pool=False)  # chosen by a person: the audit stands for it
    waiting = RoutedItem.objects.filter(item=item, state__in=[RoutedState.OPEN, RoutedState.REVIEW])
    queues.close(waiting, RoutedState.DONE, at=at)
    _supersede(item.pk, at=at)


def in_review(project: Project) -> QuerySet[RoutedItem]:
    """What waits for a reviewer, each item once, as it was asked last: votes that differ, two skips, or a flag."""
    rows = RoutedItem.objects.filter(IN_REVIEW, project=project)
    newest = rows.order_by().values("item").annotate(newest=Max("pk")).values("newest")
    return rows.filter(pk__in=newest)
