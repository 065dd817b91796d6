"""Models of jobs: the Job row is the truth, a Celery message is only a hint that there is one."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from projects.models import Project, User


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


OPEN = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    def open(self) -> "JobQuerySet":
        return self.filter(state__in=OPEN)

    def waiting(self, at: datetime) -> "JobQuerySet":
        """Due, begun by nobody yet, and of no archived project."""
        return self._not_archived().filter(state=JobState.QUEUED, due_at__lte=at)

    def claimable(self, at: datetime) -> "JobQuerySet":
        """Due and waiting, or running under a lease that has ended; of no archived project."""
        waiting = Q(state=JobState.QUEUED, due_at__lte=at)
        return self._not_archived().filter(waiting | Q(state=JobState.RUNNING, lease_until__lt=at))

    def _not_archived(self) -> "JobQuerySet":
        """Without a join: a claim is one UPDATE whose conditions are all of its own row's table."""
        return self.exclude(project__in=Project.objects.filter(archived_at__isnull=False))


class Job(models.Model):
    """One piece of work with its lease, attempt fence, progress and end."""

    kind = models.CharField(max_length=60)
    queue = models.CharField(max_length=20, default="default")
    key = models.CharField(max_length=200, help_text="Enqueueing twice under one key gives one open job.")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="jobs")
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="The fence: an effect commits under its own only.")
    max_attempts = models.PositiveSmallIntegerField(default=3)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True, default="")
    progress = models.FloatField(default=0.0, help_text="0 to 1, never falling within an attempt.")
    stage = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="")
    result = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    hinted_at = models.DateTimeField(null=True, blank=True, help_text="When a message was last sent.")
    first_hinted_at = models.DateTimeField(null=True, blank=True, help_text="When the first of this wait was sent.")
    hints = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state__in=OPEN), name="one_open_job_per_key"),
            models.CheckConstraint(condition=Q(progress__gte=0) & Q(progress__lte=1), name="job_progress_0_to_1"),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="job_by_state_due"),
            models.Index(fields=["project", "-created_at"], name="job_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class PeriodicTurn(models.Model):
    """The last turn of one periodic work: whoever moves it on has taken the next."""

    name = models.CharField(max_length=80, primary_key=True)
    turn = models.BigIntegerField(help_text="Unix time divided by the period.")
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.turn}"


class Beat(models.Model):
    """The last sign of life of a process: worker, file worker, trainer, reaper. Health reads it."""

    name = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
