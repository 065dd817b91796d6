"""The items that a desk holds ahead: what it takes up again, what it gets anew, and what idle desks give up."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count

from annotation import lease_ends, leases
from annotation.desk_body import MOST_HELD
from annotation.models import Label, LabelState, Lease, Queue, Slot, SlotState
from annotation.routing import refill
from projects.locks import lock_rows, retry_conflicts
from projects.models import Membership, Project, User

AT_HAND = 5  # items that a desk may hold however many people there are
BEATS_PER_LEASE = 20


def beat_seconds() -> float:
    return settings.LEASE_SECONDS / BEATS_PER_LEASE


def fill(
    project: Project,
    *,
    by: User,
    count: int,
    at_hand: int = 0,
    held: Sequence[str] | None = None,
    queue: Queue | None = None,
    at: datetime,
) -> list[Lease]:
    """Up to `count` leases more for a desk that has `at_hand` items.

    A desk that opens says what it `held` before a reload (an empty list where nothing): it takes that up again, and
    what the person's idle desks hold is freed. Beyond five items a desk takes what every other member can spare, or
    whatever it asks for where routing has more to ask.
    """
    kept: list[Lease] = []
    if held is not None:
        kept = take_up(project, tokens=held[:count], by=by, at=at)
        release_idle(project, by=by, at=at)
    wanted, few = count - len(kept), AT_HAND - at_hand - len(kept)
    if wanted > few and not refill.has_more(project, queue):
        wanted = min(wanted, max(few, spare(project, by=by, queue=queue, at=at)))
    if wanted <= 0:
        return kept
    return kept + leases.claim(project, by=by, count=wanted, queue=queue, beats=True, at=at)


def spare(project: Project, *, by: User, queue: Queue | None, at: datetime) -> int:
    """How many open items are left once every other member holds five: below zero where there are not that many.

    So a desk that holds many leaves nobody without: each member who comes later still finds five.
    """
    slots = Slot.objects.filter(project=project)
    held = slots.filter(state=SlotState.LEASED, lease_until__gt=at).exclude(leased_to=by)
    by_person = dict(held.values_list("leased_to").annotate(n=Count("pk")).order_by())
    others = Membership.objects.filter(project=project, user__is_active=True).exclude(user=by)
    kept = sum(max(0, AT_HAND - by_person.get(user, 0)) for user in others.values_list("user", flat=True))
    scope = slots.filter(queue=queue) if queue else slots.filter(queue__paused=False)
    return scope.filter(state=SlotState.OPEN).values("pk")[: kept + MOST_HELD].count() - kept


@retry_conflicts
def take_up(project: Project, *, tokens: Sequence[str], by: User, at: datetime) -> list[Lease]:
    """The leases that still hold, and those that were given back and wait for everybody: a reload gives back too."""
    mine = Lease.objects.filter(project=project, user=by, token__in=tokens)
    freed = mine.filter(slot__state=SlotState.OPEN, slot__queue__paused=False).exclude(
        item__labels__in=Label.objects.filter(user=by).exclude(state=LabelState.UNDONE)
    )
    with transaction.atomic():
        for lease in freed.order_by("slot"):
            try:
                with transaction.atomic():
                    leases.hold_again(lease, SlotState.OPEN, at=at)
            except IntegrityError:  # another tab of theirs took a slot of the item at this moment
                pass
        found = leases.resume(project, tokens=tokens, by=by, at=at)
        mine.filter(pk__in=[lease.pk for lease in found]).update(granted_at=at)
    return found


def release_idle(project: Project, *, by: User, at: datetime) -> int:
    """Free what this person's closed or forgotten desks hold, and return how many: no heartbeat came for some time."""
    idle = Slot.objects.filter(
        project=project,
        state=SlotState.LEASED,
        leased_to=by,
        lease_until__gt=at,
        lease_until__lte=lease_ends.silent_since(at),
    )
    with transaction.atomic():
        return Slot.objects.filter(pk__in=lock_rows(idle, skip_locked=True)).update(**lease_ends.FREE)
