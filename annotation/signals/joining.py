"""Join signals with the items of their prediction keys, whichever of the two came first.

A signal and its prediction may arrive at one moment, in two transactions that do not see each other. So each side first
commits what it has, then looks for the other side's rows: whichever commits last sees what the other wrote. A process
that dies between its commit and its look leaves signals that wait; periodic work joins them.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Subquery

from annotation.models import Item, Signal
from projects.chunks import chunks
from projects.locks import lock_rows
from projects.models import Project

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """Signals of a project whose prediction has not been captured: how many, and since when the first waits."""

    count: int
    oldest: datetime | None


def join_after_commit(project: Project, keys: Sequence[str]) -> None:
    """Join now, and in a caller's transaction once more after its commit."""
    join_keys(project, keys)
    if connection.in_atomic_block:
        transaction.on_commit(partial(join_keys, project, keys), robust=True)


def join_keys(project: Project, keys: Iterable[str]) -> None:
    """Give the signals about these prediction keys their items. Call it after the commit that made either.

    A failure is logged and not raised: what was captured is kept, and the periodic work joins it.
    """
    try:
        if not waiting_signals().filter(project=project).exists():
            return
        for chunk in chunks(sorted(set(keys))):
            _join(waiting_signals().filter(project=project, prediction_key__in=chunk))
    except DatabaseError:
        log.exception("Signals of %s could not be joined now; the periodic work will", project.slug)


def join_all(*, captured_since: datetime | None = None) -> int:
    """Join whatever waits although its item is there; returns how many signals were joined."""
    waiting = waiting_signals()
    return _join(waiting.filter(captured_at__gte=captured_since) if captured_since else waiting)


def waiting_signals() -> QuerySet[Signal]:
    return Signal.objects.filter(item=None)


def count_waiting(project: Project) -> Waiting:
    """What waits for its prediction in this project."""
    found = waiting_signals().filter(project=project).aggregate(count=Count("pk"), oldest=Min("captured_at"))
    return Waiting(found["count"], found["oldest"])


def count_waiting_among(project: Project, keys: Sequence[str]) -> int:
    """How many of the signals with these ids wait."""
    return sum(waiting_signals().filter(project=project, key__in=chunk).count() for chunk in chunks(keys))


def _join(waiting: QuerySet[Signal]) -> int:
    item = Item.objects.filter(project=OuterRef("project"), key=OuterRef("prediction_key"))
    ready = waiting.filter(Exists(item))
    if not ready.exists():  # so that a batch without signals takes no write lock
        return 0
    with transaction.atomic():
        ids = lock_rows(ready, skip_locked=True)
        joined = Subquery(item.values("pk")[:1])
        return sum(Signal.objects.filter(pk__in=chunk).update(item=joined) for chunk in chunks(ids))
