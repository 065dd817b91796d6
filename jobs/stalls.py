"""Stalled queues: jobs whose message was sent and that no worker begins, though nothing else runs in the queue.

A worker can be alive and take no work: on the file broker the children of its pool share one lock, and an idle child
that is killed takes the lock with it. Its replacement then waits for ever. Signs of life do not show this; jobs do.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min

from jobs.models import Job, JobState


def stalled_since(queues: Collection[str], *, at: datetime, longer_than: timedelta) -> datetime | None:
    """When the oldest message was sent that no worker has acted on for so long, or None where the queues move.

    They move while a job runs under a live lease, and where one was started within that time.
    """
    jobs = Job.objects.filter(queue__in=queues)
    since: datetime | None = jobs.waiting(at).aggregate(first=Min("first_hinted_at"))["first"]
    if since is None or at - since < longer_than:
        return None
    running = jobs.filter(state=JobState.RUNNING, lease_until__gte=at)
    started = jobs.filter(started_at__gt=at - longer_than, started_at__lte=at)
    return None if running.exists() or started.exists() else since


def shown_after() -> timedelta:
    """How long a message may go unanswered before health says so."""
    return timedelta(seconds=settings.JOB_RESEND_SECONDS / 2)


def ended_after() -> timedelta:
    """How long before a worker ends itself: beyond the second message, since a first may be lost with the broker."""
    return timedelta(seconds=settings.JOB_RESEND_SECONDS * 1.5)
