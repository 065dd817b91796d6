"""Acts on all items that match a view, as jobs; doing one twice changes nothing more."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import QueryDict

from analysis.item_filters import BadFilter, parse_filters
from analysis.items import ItemSelection
from annotation import tags
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects.chunks import chunks
from projects.models import Project, User
from validation import InvalidInput

KIND = "analysis.bulk_act"
ACTS = {"tag": tags.add_tag, "untag": tags.remove_tag}
AT_ONCE = 5000


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
    job, _ = queue.enqueue(KIND, key=key, project=project, payload=payload, by=by, at=at)
    return job


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
    ids = list(ItemSelection(project, filters, at, by).matching().order_by("pk").values_list("pk", flat=True))
    for done, part in enumerate(chunks(ids, AT_ONCE)):
        ACTS[act](project, part, name, by=by, at=at)
        attempt.progress(min(0.99, (done + 1) * AT_ONCE / len(ids)), f"{name}: {len(ids):,} items")
    with attempt.commit(items=len(ids)):
        pass
