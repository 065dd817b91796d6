"""How much comes into a project in a day, and how much people label."""

from datetime import datetime, timedelta

from django.db.models import Count, Min

from annotation.models import Item, Label
from projects.models import Project

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
LABELS_A_DAY = 100.0
"""What people are taken to label in a day until they have labelled more."""


def labels_a_day(project: Project, *, at: datetime) -> float:
    """What people label in a day: the mean of the last seven, or since they began, but not less than the default."""
    people = project.memberships.values("user")
    given = Label.objects.filter(project=project, user__in=people, updated_at__gt=at - WEEK, updated_at__lte=at)
    found = given.aggregate(n=Count("pk"), first=Min("updated_at"))
    if not found["n"]:
        return LABELS_A_DAY
    days = max((at - found["first"]) / DAY, 1.0)
    return max(float(found["n"]) / days, LABELS_A_DAY)


def items_a_day(project: Project, *, at: datetime) -> float:
    """Traffic: of the last day, or the week's mean where that is more; as if spread over a week while it is young."""
    items = Item.objects.filter(project=project, captured_at__lte=at)
    first = Item.objects.filter(project=project).aggregate(first=Min("captured_at"))["first"]
    week = items.filter(captured_at__gt=at - WEEK).count() / WEEK.days
    if first is None or at - first < DAY:
        return week
    return max(float(items.filter(captured_at__gt=at - DAY).count()), week)
