"""Two windows of time to compare: what came last, and what came before it, as samples of bounded size."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from annotation.models import Item
from annotation.routing.candidates import share_with_images
from projects.models import Project

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LENGTHS = {"hour": HOUR, "6 hours": 6 * HOUR, "day": DAY, "7 days": 7 * DAY}
BEFORE = timedelta(days=28)
SAME_HOURS_OF = 14  # days, for windows shorter than a day
RECENT, REFERENCE, FEWEST = 1000, 1000, 100
PLACES = 20  # moments of a window from which a sample is read


@dataclass(frozen=True)
class TimeWindow:
    """Ids of a sample of the last `name` and of what came before, in the order of their time."""

    name: str
    recent: list[int]
    before: list[int]


def windows(project: Project, *, at: datetime, rng: np.random.Generator) -> list[TimeWindow]:
    """The windows that hold enough items to say anything, the shortest first. They end with the newest item.

    A window of less than a day is compared with the same hours of the days before, so that night is not held against
    day; where those hold too few items, and for longer windows, with the 28 days before.
    """
    newest = (
        Item.objects.filter(project=project, at__lte=at).order_by("-at", "-pk").values_list("at", flat=True).first()
    )
    if newest is None:
        return []
    found: list[TimeWindow] = []
    share = share_with_images(project)
    for name, length in LENGTHS.items():
        since = newest - length
        recent = _sample(project, since, newest, round(share * RECENT), rng)
        before = _same_hours(project, newest, length, rng) if length < DAY else []
        if len(before) < FEWEST:
            before = _sample(project, since - BEFORE, since, round(share * REFERENCE), rng)
        if len(recent) >= FEWEST and len(before) >= FEWEST:
            found.append(TimeWindow(name, recent, before))
    return found


def _same_hours(project: Project, newest: datetime, length: timedelta, rng: np.random.Generator) -> list[int]:
    each = REFERENCE // SAME_HOURS_OF
    days = [newest - DAY * day for day in range(1, SAME_HOURS_OF + 1)]
    return [pk for end in days for pk in _sample(project, end - length, end, each, rng)]


def _sample(project: Project, since: datetime, until: datetime, most: int, rng: np.random.Generator) -> list[int]:
    """At most `most` items after `since` and up to `until`: all of them, or some from each of a few random moments."""
    first = _after(project, since, until, most + 1)
    if len(first) <= most:
        return first
    found: dict[int, None] = {}
    for share in np.sort(rng.random(PLACES)):
        found |= dict.fromkeys(_after(project, since + (until - since) * float(share), until, most // PLACES))
    return list(found)


def _after(project: Project, moment: datetime, until: datetime, most: int) -> list[int]:
    """The first items after the moment. A second lower bound might be the one that SQLite searches by."""
    rows = Item.objects.filter(project=project, at__gt=moment, at__lte=until).order_by("at", "pk")
    return list(rows.values_list("pk", flat=True)[:most])
