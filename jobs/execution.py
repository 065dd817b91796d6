"""Do one job under a lease and a fence: whatever dies, its effects happen once."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F
from django.utils import timezone

from jobs import faults, registry
from jobs.models import Job, JobState
from projects.models import Project
from validation.json_values import shorten

log = logging.getLogger(__name__)
LONGEST_ERROR = 2_000
UNTIL_RESTORED = "It goes on when the project is restored"


class Fenced(RuntimeError):
    """This attempt no longer holds the job: another took over, or a person stopped it. Its effects are rolled back."""


class PermanentFailure(Exception):
    """The job cannot succeed however often it is tried; the message says why, in words fit for a user."""


class Paused(RuntimeError):
    """The project was archived while the job ran: what it kept stays, and it goes on once the project is restored."""


class Attempt:
    """One try at a job: what the handler sees. Effects go inside `commit`, and only once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.number = job.attempt
        self._reported_at = 0.0
        self._lost = threading.Event()

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, attempt=self.number)

    def progress(self, share: float, stage: str = "") -> None:
        """Say how far it is (0 to 1) and renew the lease; written at most once a second."""
        if self._lost.is_set():
            raise Fenced("This attempt no longer holds the job.")
        share = min(max(share, self.job.progress), 1.0)
        if time.monotonic() - self._reported_at < 1.0 and share < 1.0:
            return
        self._reported_at = time.monotonic()
        now = timezone.now()
        self.job.progress, self.job.stage = share, stage or self.job.stage
        changed = self._mine().update(
            progress=share, stage=self.job.stage, heartbeat_at=now, lease_until=now + lease_length()
        )
        if not changed:
            raise Fenced("This attempt no longer holds the job.")
        self._check_not_archived()
        faults.point("after_progress")

    def _check_not_archived(self) -> None:
        """Raises Paused where the project is archived by now; what was begun in one transaction before that ends."""
        project = self.job.project_id
        if project is not None and Project.objects.filter(pk=project, archived_at__isnull=False).exists():
            raise Paused

    def beat(self) -> None:
        """Renew the lease from the heartbeat thread."""
        now = timezone.now()
        if not self._mine().update(heartbeat_at=now, lease_until=now + lease_length()):
            self._lost.set()

    @contextmanager
    def step(self, share: float, stage: str = "") -> Iterator[None]:
        """A transaction that holds some of the job's effects, which stay whatever becomes of the rest; a fenced attempt
        leaves nothing behind. It says how far the job then is."""
        with transaction.atomic():
            now = timezone.now()
            self.job.progress, self.job.stage = min(max(share, self.job.progress), 1.0), stage or self.job.stage
            # The fence first, as in `commit`.
            changed = self._mine().update(
                progress=self.job.progress, stage=self.job.stage, heartbeat_at=now, lease_until=now + lease_length()
            )
            if not changed:
                raise Fenced("This attempt no longer holds the job.")
            self._check_not_archived()
            yield
            faults.point("inside_step")
        faults.point("after_step")

    def add_to_result(self, **result: Any) -> None:
        """Add to the result of a committed job what is worth knowing of it; nothing depends on it."""
        merged = {**Job.objects.values_list("result", flat=True).get(pk=self.job.pk), **result}
        Job.objects.filter(pk=self.job.pk, attempt=self.number).update(result=merged)

    @contextmanager
    def commit(self, **result: Any) -> Iterator[dict[str, Any]]:
        """The one transaction that holds the job's effects and its end; a fenced attempt leaves nothing behind.

        The handler may add to the yielded result.
        """
        faults.point("before_commit")
        with transaction.atomic():
            now = timezone.now()
            # The fence first: on PostgreSQL this locks the row, on SQLite the transaction holds the write lock.
            if not self._mine().update(state=JobState.SUCCEEDED, finished_at=now, progress=1.0, lease_until=None):
                raise Fenced("This attempt no longer holds the job.")
            self._check_not_archived()
            yield result
            Job.objects.filter(pk=self.job.pk).update(result=result, error="")
            faults.point("inside_commit")
        faults.point("after_commit")


def lease_length() -> timedelta:
    return timedelta(seconds=settings.JOB_LEASE_SECONDS)


def claim(job_id: int, *, at: datetime, worker: str) -> Attempt | None:
    """Take the job in one conditional UPDATE, or None where somebody else has it or it has ended."""
    changed = (
        Job.objects.claimable(at)
        .filter(pk=job_id, attempt__lt=F("max_attempts"))
        .update(
            state=JobState.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=at + lease_length(),
            worker=worker,
            started_at=at,
            heartbeat_at=at,
            progress=0.0,
            stage="",
        )
    )
    return Attempt(Job.objects.select_related("project").get(pk=job_id)) if changed else None


def run(job_id: int) -> None:
    """Claim and do a job, if it still waits. Running twice costs nothing."""
    attempt = claim(job_id, at=timezone.now(), worker=f"{socket.gethostname()}:{os.getpid()}")
    if attempt is None:
        return
    faults.point("after_claim")
    with heartbeat(attempt):
        _run_handler(attempt)


def _run_handler(attempt: Attempt) -> None:
    try:
        handler = registry.kind(attempt.job.kind).handler
        faults.point("before_work")
        handler(attempt)
        _end_if_open(attempt)
    except Fenced:
        log.info("Job %s: attempt %s was fenced", attempt.job.pk, attempt.number)
    except Paused:
        put_aside(attempt.job, attempt.number, at=timezone.now())
    except PermanentFailure as why:
        fail(attempt.job, attempt.number, str(why), at=timezone.now(), final=True)
    except SoftTimeLimitExceeded:
        limit = registry.kind(attempt.job.kind).soft_seconds
        fail(attempt.job, attempt.number, f"It ran longer than its limit of {limit} s.", at=timezone.now())
    except Exception as error:  # a job's failure is the job's, not the worker's
        log.exception("Job %s (%s) failed", attempt.job.pk, attempt.job.kind)
        fail(attempt.job, attempt.number, f"{type(error).__name__}: {error}", at=timezone.now())


def _end_if_open(attempt: Attempt) -> None:
    """A handler without effects may return without `commit`."""
    if Job.objects.filter(pk=attempt.job.pk, state=JobState.RUNNING, attempt=attempt.number).exists():
        with attempt.commit():
            pass


def pause(attempt: int) -> timedelta:
    """How long a job waits after its attempt of this number failed."""
    return timedelta(seconds=2**attempt)


def put_aside(job: Job, attempt: int, *, at: datetime) -> None:
    """Let a job wait until its project is restored; the attempt counts as none."""
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=attempt).update(
        state=JobState.QUEUED,
        stage=UNTIL_RESTORED,
        max_attempts=F("max_attempts") + 1,
        due_at=at,
        lease_until=None,
        hinted_at=None,
        first_hinted_at=None,
    )


@transaction.atomic
def fail(job: Job, attempt: int, why: str, *, at: datetime, final: bool = False) -> None:
    """Put a failed attempt back with a growing pause, or declare the job dead after the last, with its reason."""
    why = shorten(why, LONGEST_ERROR)
    mine = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=attempt)
    if final or attempt >= job.max_attempts:
        if mine.update(state=JobState.DEAD, error=why, finished_at=at, lease_until=None):
            tell_dead(job, why)
        return
    mine.update(
        state=JobState.QUEUED,
        error=why,
        due_at=at + pause(attempt),
        lease_until=None,
        hinted_at=None,
        first_hinted_at=None,
    )


def tell_dead(job: Job, why: str) -> None:
    """Let the domain end what the job had begun."""
    try:
        on_dead = registry.kind(job.kind).on_dead
    except registry.UnknownKind:
        return
    if on_dead:
        try:
            with transaction.atomic():
                on_dead(job, why)
        except Exception:  # the job is dead all the same, and the reaper goes on with those of other projects
            log.exception("Job %s (%s) is dead, and what it had begun could not be ended", job.pk, job.kind)


@contextmanager
def heartbeat(attempt: Attempt) -> Iterator[None]:
    """Renew the lease from a thread, so that one long library call does not look like a death."""
    stop = threading.Event()

    def beats() -> None:
        while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
            try:
                attempt.beat()
            except Exception:  # a locked or lost database: the next beat tries again, the lease decides
                log.warning("Job %s: a heartbeat was not written", attempt.job.pk, exc_info=True)
                close_old_connections()
        connection.close()

    thread = threading.Thread(target=beats, name=f"heartbeat-{attempt.job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)
