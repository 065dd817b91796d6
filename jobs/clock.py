"""Work goes on where the computer's clock is set back or ahead.

Set back, moments that were written before lie ahead, and would hold work up until the clock is there again. Set ahead,
or after the computer slept, every lease seems to have ended, also those of workers that are alive.
"""

import logging
from datetime import datetime, timedelta

from jobs import execution
from jobs.models import Job, JobState

log = logging.getLogger(__name__)
SKEW = timedelta(seconds=5)
"""How far the clocks of two machines may differ before a moment counts as written by a clock that was set since."""


def bring_back(*, at: datetime) -> int:
    """Move what lies further ahead than any job writes it to where it would be by this clock; returns how many."""
    ahead = at + SKEW
    end = at + execution.lease_length()
    running = Job.objects.filter(state=JobState.RUNNING, lease_until__gt=end + SKEW).update(lease_until=end)
    queued = Job.objects.filter(state=JobState.QUEUED)
    queued.filter(hinted_at__gt=ahead).update(hinted_at=None)
    queued.filter(first_hinted_at__gt=ahead).update(first_hinted_at=at)
    again = [job for job in queued.filter(due_at__gt=ahead) if _is_ahead(job, at)]
    for job in again:
        created = min(job.created_at, at)
        queued.filter(pk=job.pk).update(due_at=at + _delay(job), created_at=created)
    return running + len(again)


def _delay(job: Job) -> timedelta:
    """How long this job waits by its own will: the pause after a failure, or the delay with which it was enqueued."""
    return execution.pause(job.attempt) if job.attempt else job.due_at - job.created_at


def _is_ahead(job: Job, at: datetime) -> bool:
    return job.due_at > at + _delay(job) + SKEW


class Jumps:
    """Notices that the clock went ahead of the time that passed, and for how long no lease is to be judged then.

    `pause` is the length of a lease in seconds: a worker that is alive has renewed its lease by then.
    """

    def __init__(self, *, pause: float) -> None:
        self._pause = pause
        self._last: tuple[datetime, float] | None = None
        self._until = float("-inf")

    def are_over(self, now: datetime, monotonic: float) -> bool:
        """Whether leases can be judged at this moment, given by the clock and by a clock that is never set."""
        if self._last:
            passed = timedelta(seconds=monotonic - self._last[1])
            ahead = now - self._last[0] - passed
            if ahead > SKEW:
                log.warning("The clock went ahead by %s; no job is taken for lost for %s s", ahead, self._pause)
                self._until = monotonic + self._pause
        self._last = (now, monotonic)
        return monotonic >= self._until
