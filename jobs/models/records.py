"""How far work is that a row describes and a job does."""

from django.db import models

from jobs.models.work import Job, JobState


class WorkState(models.TextChoices):
    """How far such work is: its job's state, in the words of a page."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_open(self) -> bool:
        return self in (WorkState.WAITING, WorkState.RUNNING)


STATES = {
    JobState.QUEUED: WorkState.WAITING,
    JobState.RUNNING: WorkState.RUNNING,
    JobState.SUCCEEDED: WorkState.FINISHED,
    JobState.DEAD: WorkState.FAILED,
    JobState.CANCELLED: WorkState.STOPPED,
}


def work_state(job: Job | None, *, finished: bool, error: str) -> WorkState:
    """The state of such a row: of its job while that is known, else of what it noted itself."""
    if finished:
        return WorkState.FINISHED
    if job is None:
        return WorkState.FAILED if error else WorkState.STOPPED
    return STATES[JobState(job.state)]
