"""What waits for one person, and what waits for others alone."""

from dataclasses import dataclass

from django.db.models import Count, Exists, Max, OuterRef, QuerySet

from annotation.models import TO_LABEL, Label, LabelState, Queue, RoutedItem, RoutedState, Slot, SlotState
from projects.models import Can, Project, Role, User


@dataclass(frozen=True)
class NeedsOthers:
    """Items that wait, but not for this person, who has answered or skipped them.

    `people` is how many different people answer each, of the item that most must answer; `members` may label here.
    """

    items: int
    people: int
    members: int


def needs_others(user: User, project: Project, *, queue: Queue | None = None) -> NeedsOthers:
    """What has a free slot that this person may not take."""
    rows = RoutedItem.objects.filter(TO_LABEL, project=project)
    rows = rows.filter(queue=queue) if queue else rows
    done = Label.objects.filter(item=OuterRef("item"), user=user).exclude(state=LabelState.UNDONE)
    free = Slot.objects.filter(routed=OuterRef("pk"), state=SlotState.OPEN)
    found = rows.filter(Exists(free), Exists(done)).aggregate(items=Count("pk"), people=Max("overlap"))
    roles = [role for role in Role if role.can(Can.LABEL)]
    members = project.memberships.filter(role__in=roles, user__is_active=True).count()
    return NeedsOthers(found["items"], found["people"] or 1, members)


def waiting_for(user: User, project: Project, *, queue: Queue | None = None) -> QuerySet[RoutedItem]:
    """What waits in this queue, or in all that are not paused, and was not answered or skipped by this person."""
    open_items = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN)
    open_items = open_items.filter(queue=queue) if queue else open_items.filter(queue__paused=False)
    done = Label.objects.filter(item=OuterRef("item"), user=user).exclude(state=LabelState.UNDONE)
    return open_items.exclude(Exists(done))
