"""How many more items should wait: what people who are here can still take, against how quickly they answer.

An item that its person has skipped or answered, or that only they hold, is no supply for them, however many slots it
has open. Supply is that of the person for whom least waits, so that nobody sits at an empty desk.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from annotation import queues
from annotation.models import Cause, Label, LabelState, Slot, SlotState
from annotation.routing import audit_draw
from annotation.routing.candidates import pool
from projects.models import Can, Project, Role
from projects.project_settings import RoutingSettings

PRESENT = timedelta(minutes=10)
A_MINUTE = 60.0
EACH = 25
"""Items that wait for each person of a team: a desk's buffer of 20, and some more."""

MOST_PEOPLE = 50
AHEAD_SECONDS = 90.0
"""Items that wait last so long at the present rate of answers."""

LOW_WATER = 0.5
"""A round starts where less than this share of the target waits."""

MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Places:
    """How many items a round may put into queues: chosen by the active part, and drawn for the audit."""

    active: int
    audit: int

    def __bool__(self) -> bool:
        return self.active > 0 or self.audit > 0


@dataclass(frozen=True)
class Supply:
    """Items that wait for the person for whom least waits, and how many should wait, of either part.

    A target is never more than what waits and what is left to ask together.
    """

    active: int
    audit: int
    active_target: int
    audit_target: int

    @property
    def is_low(self) -> bool:
        return self.active < LOW_WATER * self.active_target or self.audit < LOW_WATER * self.audit_target

    def places(self, most: int) -> Places:
        """What is missing, at most so many in all; the audit keeps its share of them."""
        active, audit = max(self.active_target - self.active, 0), max(self.audit_target - self.audit, 0)
        if active + audit <= most:
            return Places(active, audit)
        kept = max(1, round(most * audit / (active + audit))) if audit else 0
        return Places(most - kept, kept)


def supply(project: Project, *, at: datetime) -> Supply:
    """What waits and what should."""
    settings, people = project.routing_settings(), _people(project)
    target = target_of(settings, people=len(people), answers_a_second=answers_a_second(project, people, at=at))
    present, free = _present(project, people, at), free_slots(project, at=at)
    # An audit item that the active part chose as well is the active part's, so that its places depend on no draw.
    of_audit = Q(queue__cause=Cause.AUDIT, item__asked_at=None)
    active, audit = _takeable(free.exclude(of_audit), present), _takeable(free.filter(of_audit), present)
    chosen = queues.budget_left(project, Cause.UNCERTAIN, at=at) if pool(project).exists() else 0
    drawn = min(audit_draw.not_asked(project)[:target].count(), queues.budget_left(project, Cause.AUDIT, at=at))
    share = settings.audit_share if chosen else 1.0
    audit_target = min(round(share * target), audit + drawn)
    return Supply(active, audit, min(target - audit_target, active + chosen), audit_target)


def target_of(settings: RoutingSettings, *, people: int, answers_a_second: float) -> int:
    """How many items should wait for a team of this size at this rate; 0 where routing is off."""
    if not settings.waiting:
        return 0
    return max(settings.waiting, EACH * min(people, MOST_PEOPLE), round(AHEAD_SECONDS * answers_a_second))


def places(project: Project, *, at: datetime) -> Places:
    """How many items the next round may put. A round puts more than a batch only where people are that quick."""
    found = supply(project, at=at)
    needed = found.active_target + found.audit_target
    return found.places(max(project.routing_settings().batch, min(needed, MOST_AT_ONCE)))


def free_slots(project: Project, *, at: datetime) -> QuerySet[Slot]:
    """Slots that somebody might take now: open ones, and those whose lease has ended.

    Each kind has an index of its own; asked for both at once, a database would go through all slots of the project.
    """
    slots = Slot.objects.filter(project=project).order_by().values("pk")
    lapsed = slots.filter(state=SlotState.LEASED, lease_until__lte=at)
    free = Slot.objects.filter(pk__in=slots.filter(state=SlotState.OPEN).union(lapsed, all=True))
    return free.filter(queue__paused=False).exclude(queue__cause=Cause.DISPUTED)


def answers_a_second(project: Project, people: list[int], *, at: datetime) -> float:
    """How quickly people answer now: the last minute, or the last five where that is more."""
    given = Label.objects.filter(project=project, user__in=people, updated_at__lte=at)
    minutes = [given.filter(updated_at__gt=at - timedelta(minutes=n)).count() / (n * A_MINUTE) for n in (1, 5)]
    return max(minutes)


def _people(project: Project) -> list[int]:
    roles = [role for role in Role if role.can(Can.LABEL)]
    return list(project.memberships.filter(role__in=roles).values_list("user", flat=True))


def _present(project: Project, people: list[int], at: datetime) -> set[int]:
    """Who holds a lease, or has answered or skipped in the last minutes."""
    holds = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gt=at)
    acted = Label.objects.filter(project=project, user__in=people, updated_at__gt=at - PRESENT)
    found = set(holds.values_list("leased_to", flat=True).distinct()) | set(
        acted.values_list("user", flat=True).distinct()
    )
    return {pk for pk in found if pk is not None}


def _takeable(free: QuerySet[Slot], present: set[int]) -> int:
    """Items with a free slot, less those that the person who can take fewest of them cannot take."""
    waiting = free.values("routed").distinct().count()
    if not waiting or not present:
        return waiting
    items = free.values("item")
    done = Label.objects.filter(user__in=present, item__in=items, state__in=[LabelState.GIVEN, LabelState.SKIPPED])
    held = Slot.objects.filter(leased_to__in=present, item__in=items, state=SlotState.LEASED)
    barred: dict[int, int] = {}
    for user, n in done.values_list("user").annotate(n=Count("item", distinct=True)):
        barred[user] = barred.get(user, 0) + n
    for user, n in held.values_list("leased_to").annotate(n=Count("item", distinct=True)):
        barred[user] = barred.get(user, 0) + n
    return max(waiting - max(barred.values(), default=0), 0)
