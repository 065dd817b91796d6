"""Put work in rows: idempotent by key, hinted to a worker after the commit, requeued when dead."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Coalesce

from jobs import broker, faults, registry
from jobs.models import OPEN, Job, JobState
from projects import audit
from projects.archiving import check_open
from projects.models import Project, User
from validation import InvalidInput

ATTEMPTS = 3


class NotDead(InvalidInput):
    """Only a dead job can be requeued."""


def enqueue(
    kind: str,
    *,
    key: str,
    at: datetime,
    project: Project | None = None,
    payload: dict[str, Any] | None = None,
    by: User | None = None,
    due_at: datetime | None = None,
) -> tuple[Job, bool]:
    """The open job under this key, made where there is none; the second value says whether it was made now.

    Raises ProjectArchived. Works with the broker down: the row is kept and the reaper hints again.
    """
    spec = registry.kind(kind)
    if project:
        check_open(project)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                key=key,
                queue=spec.queue,
                project=project,
                payload=payload or {},
                created_by=by,
                created_at=at,
                due_at=due_at or at,
            )
    except IntegrityError:
        other = Job.objects.filter(key=key, state__in=OPEN).order_by("-pk").first()
        if other is None:  # it ended between our insert and our look
            return enqueue(kind, key=key, at=at, project=project, payload=payload, by=by, due_at=due_at)
        return other, False
    if job.due_at <= at:
        transaction.on_commit(partial(hint, job, at=at))
    return job, True


def hint(job: Job, *, at: datetime) -> bool:
    """Tell a worker that the job waits. A lost or refused message costs one reaper interval, never the job."""
    faults.point("after_enqueue")
    try:
        spec = registry.kind(job.kind)
    except registry.UnknownKind:  # a newer version's job: that version's worker will get it
        return False
    sent = broker.send(job.pk, queue=job.queue, soft_seconds=spec.soft_seconds, hard_seconds=spec.hard_seconds)
    if sent:
        first = Coalesce("first_hinted_at", Value(at), output_field=DateTimeField())
        Job.objects.filter(pk=job.pk).update(hinted_at=at, first_hinted_at=first, hints=F("hints") + 1)
    return sent


@transaction.atomic
def requeue(job: Job, *, by: User, at: datetime) -> Job:
    """Give a dead job three new attempts."""
    # The attempt is the fence and never falls: an old worker that comes back must not match a new attempt.
    changed = Job.objects.filter(pk=job.pk, state=JobState.DEAD).update(
        state=JobState.QUEUED,
        max_attempts=F("attempt") + ATTEMPTS,
        due_at=at,
        lease_until=None,
        hinted_at=None,
        first_hinted_at=None,
        finished_at=None,
        progress=0.0,
        stage="",
    )
    if not changed:
        raise NotDead("This job is not dead, so there is nothing to requeue.")
    audit.record("job.requeue", by=by, at=at, project=job.project, target=f"job {job.pk}", details={"kind": job.kind})
    job.refresh_from_db()
    transaction.on_commit(partial(hint, job, at=at))
    return job


@transaction.atomic
def cancel(job: Job, *, by: User, at: datetime) -> bool:
    """Stop a job that has not ended; a running worker learns of it at its next progress or commit."""
    changed = Job.objects.filter(pk=job.pk).open().update(state=JobState.CANCELLED, finished_at=at, lease_until=None)
    if changed:
        audit.record("job.cancel", by=by, at=at, project=job.project, target=f"job {job.pk}")
    return bool(changed)
