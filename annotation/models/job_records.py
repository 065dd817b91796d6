"""What rows share whose work a job does: it decides their state while it is known."""

from django.db import models

from jobs.models import Job, JobState
from projects.models import Project, User


class TransferState(models.TextChoices):
    """How far such work is: its job's state, in the words of a page."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


STATES = {
    JobState.QUEUED: TransferState.WAITING,
    JobState.RUNNING: TransferState.RUNNING,
    JobState.SUCCEEDED: TransferState.FINISHED,
    JobState.DEAD: TransferState.FAILED,
    JobState.CANCELLED: TransferState.STOPPED,
}


class JobRecord(models.Model):
    """Base of what a job does, with who asked for it and how it ended."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="%(class)ss")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True, help_text="Null: it did not come to its end.")
    error = models.TextField(blank=True, default="", help_text="Why it did not, in a sentence.")

    class Meta:
        abstract = True

    @property
    def state(self) -> TransferState:
        if self.finished_at:
            return TransferState.FINISHED
        if self.job is None:
            return TransferState.FAILED if self.error else TransferState.STOPPED
        return STATES[JobState(self.job.state)]

    @property
    def is_open(self) -> bool:
        return self.state in (TransferState.WAITING, TransferState.RUNNING)
