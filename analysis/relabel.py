"""Send findings or a selection of items to a queue for labelling."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from analysis.findings import AlreadyDecided
from analysis.models import Finding
from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import Cause, Queue
from annotation.queues import Entry
from projects.chunks import chunks
from projects.locks import lock_rows, retry_conflicts
from projects.models import Project, User
from validation import InvalidInput


class NothingToQueue(InvalidInput):
    """The selection is empty, or all of it waits already."""


class AllWaiting(NothingToQueue):
    """Every item of the selection waits in a queue already."""


@retry_conflicts
@transaction.atomic
def queue_items(
    project: Project,
    item_ids: Sequence[int],
    *,
    title: str,
    reason: str,
    cause: Cause = Cause.SLICE,
    by: User,
    at: datetime,
) -> tuple[Queue, queues.Put]:
    """Make a queue of these items. They were chosen, not drawn, so they represent nothing in weighted metrics.

    Raises NothingToQueue, and makes no queue, where none of them would wait in it.
    """
    if not item_ids:
        raise NothingToQueue("Choose at least one item.")
    if waiting := queues.waiting_in(project, item_ids):
        raise AllWaiting(f"Nothing added: {_all_wait(len(item_ids), waiting)}.")
    lock_items(item_ids)
    queue = queues.create(project, title=title, cause=cause, by=by, at=at)
    total = len(item_ids)
    entries = [selected_entry(pk, place, total, reason) for place, pk in enumerate(item_ids)]
    return queue, queues.add_entries(queue, entries, at=at)


def selected_entry(item: int, place: int, total: int, reason: str) -> Entry:
    """The entry of an item that stands at this place, from 0, of the `total` items of a selection."""
    return Entry(
        item_id=item,
        reason=reason,
        numbers={},
        inclusion_probability=1.0,
        priority=1 - place / total,
        strategy="selection",
    )


def _all_wait(count: int, titles: list[str]) -> str:
    """Where they wait, as the second half of a sentence."""
    subject = "it already waits" if count == 1 else f"all {count:,} already wait"
    return f"{subject} in {titles[0] if len(titles) == 1 else f'{len(titles)} queues'}"


@retry_conflicts
@transaction.atomic
def queue_findings(
    project: Project, findings: Sequence[Finding], *, by: User, at: datetime
) -> tuple[Queue | None, queues.Put]:
    """Ask people again about these labels, in a queue of their own, in this order.

    What somebody has decided by now is left out; raises NothingToQueue where nothing is left. There is no queue where
    all of them wait in one already.
    """
    undecided = _lock_undecided(findings)
    ids = [finding.item_id for finding in findings if finding.pk in undecided]
    made: tuple[Queue | None, queues.Put]
    try:
        made = queue_items(
            project,
            ids,
            title=f"Suspected labels, {at:%-d %b %H:%M} UTC",
            reason="the label and the model disagree",
            cause=Cause.SUSPECTED,
            by=by,
            at=at,
        )
    except AllWaiting:
        made = None, queues.Put(0, len(ids))
    for chunk in chunks(sorted(undecided)):
        requeued = Finding.objects.filter(pk__in=chunk)
        requeued.update(decision=Finding.Decision.REQUEUED, decided_by=by, decided_at=at)
    return made


def queue_finding(finding: Finding, *, by: User, at: datetime) -> None:
    """Ask people again about one label; twice is no error. Raises AlreadyDecided."""
    try:
        queue_findings(finding.project, [finding], by=by, at=at)
    except NothingToQueue:
        finding.refresh_from_db()
        if finding.decision != Finding.Decision.REQUEUED:
            raise AlreadyDecided(finding) from None


def _lock_undecided(findings: Sequence[Finding]) -> set[int]:
    """Those about which nobody has decided; nobody does until the transaction ends."""
    found: set[int] = set()
    for chunk in chunks(sorted(finding.pk for finding in findings)):
        found |= set(lock_rows(Finding.objects.filter(pk__in=chunk, decision__in=Finding.UNDECIDED)))
    return found
