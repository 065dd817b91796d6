"""Acts on all items that match a view, as jobs; doing one twice changes nothing more."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict

from analysis import relabel
from analysis.item_filters import BadFilter, parse_filters
from analysis.items import ItemSelection
from annotation import queues, tags
from annotation.models import Cause, Item, Queue, RoutedItem
from jobs import queue as jobs
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects.chunks import chunks
from projects.locks import retry_conflicts
from projects.models import Project, User
from validation import InvalidInput

KIND = "analysis.bulk_act"
ACTS = {"tag": tags.add_tag, "untag": tags.remove_tag}
QUEUE = "queue"
AT_ONCE = 5000
QUEUED_AT_ONCE = 500  # a transaction each, so that people can claim what waits meanwhile


class BadAct(InvalidInput):
    """An act that there is not."""


@transaction.atomic
def start_act(project: Project, act: str, name: str, query: str, *, by: User, at: datetime) -> Job:
    """Let a job put a tag on, or take it off, all items that match when it begins. Raises BadAct and BadTag.

    The same act on the same view while it still runs is the same job.
    """
    if act not in ACTS:
        raise BadAct(f"There is no act {act[:20]!r}; there are {', '.join(ACTS)}.")
    payload: dict[str, Any] = {"act": act, "name": tags.checked_name(name), "query": query}
    what = hashlib.sha256("\n".join((act, payload["name"], query)).encode()).hexdigest()[:32]
    key = f"bulk:{project.pk}:{by.pk}:{what}"
    job, _ = jobs.enqueue(KIND, key=key, project=project, payload=payload, by=by, at=at)
    return job


@transaction.atomic
def start_queue(project: Project, title: str, reason: str, query: str, *, by: User, at: datetime) -> Queue:
    """Make a queue and let a job put all items into it that match when it begins. Raises QueueProblem."""
    made = queues.create(project, title=title, cause=Cause.SLICE, by=by, at=at)
    payload: dict[str, Any] = {"act": QUEUE, "name": made.slug, "reason": reason, "query": query}
    jobs.enqueue(KIND, key=f"bulk:{project.pk}:queue:{made.pk}", project=project, payload=payload, by=by, at=at)
    return made


def act_now(project: Project, act: str, name: str, ids: Sequence[int], *, by: User, at: datetime) -> None:
    """Do it for these items. Raises BadAct and BadTag."""
    if act not in ACTS or not ids:
        raise BadAct("Choose at least one item, and whether its tag is put on or taken off.")
    ACTS[act](project, ids, name, by=by, at=at)


def run_act(attempt: Attempt, project: Project, by: User, *, at: datetime) -> None:
    """Do it for the items that match now, as its person may see them."""
    act, name, query = (attempt.payload[key] for key in ("act", "name", "query"))
    try:
        filters = parse_filters(QueryDict(query), project)
    except BadFilter as why:
        raise PermanentFailure(str(why)) from None
    found = ItemSelection(project, filters, at, by).matching()
    if act == QUEUE:
        put = _fill_queue(attempt, project, found, at=at)
        with attempt.commit(items=put.created, waiting_already=put.already):
            return
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    for done, part in enumerate(chunks(ids, AT_ONCE)):
        ACTS[act](project, part, name, by=by, at=at)
        attempt.progress(min(0.99, (done + 1) * AT_ONCE / len(ids)), f"{name}: {len(ids):,} items")
    with attempt.commit(items=len(ids)):
        pass


def _fill_queue(attempt: Attempt, project: Project, found: QuerySet[Item], *, at: datetime) -> queues.Put:
    """Put the items into the queue, the newest first, those alone that it never had: an attempt before put some."""
    queue = Queue.objects.filter(project=project, slug=attempt.payload["name"]).first()
    if queue is None:
        raise PermanentFailure("The queue was deleted.")
    ids = list(found.order_by("-at", "-pk").values_list("pk", flat=True))
    here = set(RoutedItem.objects.filter(queue=queue).values_list("item_id", flat=True))
    places = [(pk, place) for place, pk in enumerate(ids) if pk not in here]
    created, already = len(here), 0
    for part in chunks(places, QUEUED_AT_ONCE):
        entries = [relabel.selected_entry(pk, place, len(ids), attempt.payload["reason"]) for pk, place in part]
        put = retry_conflicts(queues.add_entries)(queue, entries, at=at)
        created, already = created + put.created, already + put.already
        attempt.progress(min(0.99, (created + already) / len(ids)), f"{queue.title}: {len(ids):,} items")
    return queues.Put(created, already)
