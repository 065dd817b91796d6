"""The reaper: brings back work whose worker or message died, and takes the turns of periodic work."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import F, Q
from django.utils import timezone

from jobs import broker, clock, execution, queue, registry
from jobs.models import Beat, Job, JobState, PeriodicTurn

log = logging.getLogger(__name__)
JOBS_KEPT = timedelta(days=14)
FORGOTTEN_AT_ONCE = 500
HINTED_AT_ONCE = 500
MAX_HINT_PAUSE = 300


def reap(*, at: datetime, lost: bool = True) -> dict[str, int]:
    """One round: fail or requeue lost jobs, send hints again, enqueue periodic work. Returns how many of each.

    Safe beside other reapers.

    Without `lost` no job is taken for lost, however long ago its lease ended.
    """
    clock.bring_back(at=at)
    ended = {"failed": fail_lost(at=at), "requeued": requeue_lost(at=at)} if lost else {"failed": 0, "requeued": 0}
    return {**ended, "hinted": hint_waiting(at=at), "turns": take_turns(at=at)}


def forget_ended(*, at: datetime) -> int:
    """Delete jobs that ended well two weeks ago and more; training jobs, which runs refer to, and dead ones stay."""
    ended = Job.objects.filter(state__in=[JobState.SUCCEEDED, JobState.CANCELLED], finished_at__lt=at - JOBS_KEPT)
    ids = list(ended.exclude(queue="train").order_by("pk").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return Job.objects.filter(pk__in=ids).delete()[0]


def fail_lost(*, at: datetime) -> int:
    """Declare dead what lost its worker in its last attempt."""
    rows = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=at, attempt__gte=F("max_attempts"))
    lost = list(rows.select_related("project"))
    for job in lost:
        why = f"Its worker stopped answering in attempt {job.attempt} of {job.max_attempts}."
        execution.fail(job, job.attempt, job.error or why, at=at, final=True)
    return len(lost)


def requeue_lost(*, at: datetime) -> int:
    """Put back what lost its worker and has attempts left."""
    lost = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=at, attempt__lt=F("max_attempts"))
    return lost.update(
        state=JobState.QUEUED,
        lease_until=None,
        due_at=at,
        hinted_at=None,
        first_hinted_at=None,
        error="Its worker stopped answering.",
    )


def hint_waiting(*, at: datetime) -> int:
    """Hint again where no message can still be under way; the pause grows, so a slow queue is not flooded."""
    waiting = Job.objects.waiting(at).order_by("due_at", "pk")
    never = Q(hinted_at=None)
    old = Q(hinted_at__lt=at - timedelta(seconds=settings.JOB_RESEND_SECONDS))
    sent = 0
    for job in waiting.filter(never | old)[:HINTED_AT_ONCE]:
        pause = min(settings.JOB_RESEND_SECONDS * 2 ** min(job.hints, 8), MAX_HINT_PAUSE)
        if job.hinted_at is None or job.hinted_at < at - timedelta(seconds=pause) or _queue_is_idle(job, at):
            sent += queue.hint(job, at=at)
    return sent


def _queue_is_idle(job: Job, at: datetime) -> bool:
    """Nothing runs in this queue, so a waiting hint must have been lost with the broker."""
    return not Job.objects.filter(queue=job.queue, state=JobState.RUNNING, lease_until__gte=at).exists()


def take_turns(*, at: datetime) -> int:
    """Take each periodic turn that has come by moving its row on; of several reapers one wins.

    Of the row only its moment counts, for its number is one of another length where a version changed the period. A
    moment that lies ahead was written before the clock was set back: it holds nothing up.
    """
    taken = 0
    for periodic in registry.periodic():
        turn = int(at.timestamp()) // periodic.seconds
        began = datetime.fromtimestamp(turn * periodic.seconds, UTC)
        due = ~Q(turn=turn) & (Q(taken_at__lt=began) | Q(taken_at__gt=at + clock.SKEW))
        try:
            with transaction.atomic():
                if _take_turn(periodic.name, turn, due, at=at):
                    periodic.enqueue(at)
                    taken += 1
        except Exception:  # its row is rolled back, so the next round tries again
            log.exception("The periodic work %s failed", periodic.name)
    return taken


def _take_turn(name: str, turn: int, due: Q, *, at: datetime) -> bool:
    """Whether this call moved the row on, which is made at the first turn."""
    if PeriodicTurn.objects.filter(due, name=name).update(turn=turn, taken_at=at):
        return True
    if PeriodicTurn.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            PeriodicTurn.objects.create(name=name, turn=turn, taken_at=at)
    except IntegrityError:  # another reaper was first
        return False
    return True


def beat(name: str, role: str, *, at: datetime) -> None:
    """Write this process's sign of life."""
    Beat.objects.update_or_create(name=name, defaults={"role": role, "at": at})


def run_round(jumps: clock.Jumps, *, at: datetime, monotonic: float) -> None:
    """One round of the process that only reaps, with its own sign of life."""
    lost = jumps.are_over(at, monotonic)
    broker.restore()
    beat("reaper", "reaper", at=at)
    reap(at=at, lost=lost)


def loop(*, stopped: Callable[[], bool], seconds: float) -> None:
    """Reap until stopped; a database that is away for a while only delays a round."""
    jumps = clock.Jumps(pause=settings.JOB_LEASE_SECONDS)
    while not stopped():
        began = time.monotonic()
        try:
            run_round(jumps, at=timezone.now(), monotonic=began)
        except Exception:
            log.exception("A reaper round failed; the next one tries again")
            close_old_connections()
        while not stopped() and time.monotonic() - began < seconds:
            time.sleep(0.1)
