"""What rows share whose work a job does: it decides their state while it is known."""

from django.db import models

from jobs.models import Job, WorkState, work_state
from projects.models import Project, User


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
    def state(self) -> WorkState:
        return work_state(self.job, finished=self.finished_at is not None, error=self.error)

    @property
    def is_open(self) -> bool:
        return self.state.is_open
