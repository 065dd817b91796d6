"""Training runs and the trigger checks that begin them."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models import Job
from projects.models import Project
from retraining import bodies, run_records
from retraining.bodies import RunReportBody
from retraining.models.datasets import Dataset
from retraining.run_records import StagesBody, TriggerEvidence

User = settings.AUTH_USER_MODEL


class RunState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNCHANGED = "unchanged"
    STOPPED = "stopped"


class TrainingRun(models.Model):
    """One fit: why it began, on what, with what seed, how it went."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    reason = models.CharField(max_length=300, help_text="Why it began, in words.")
    evidence = models.JSONField(default=dict)
    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True, related_name="runs")
    seed = models.PositiveIntegerField(default=0)
    trainer = models.CharField(max_length=40, default="here", help_text="One of retraining.trainers.")
    stages = models.JSONField(default=list, help_text="What it did when, in order: {stage, attempt, at}.")
    report = models.JSONField(default=dict, help_text="Candidates tried, calibrator, seconds, library versions.")
    error = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="run_number_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=["waiting", "running"]), name="one_run_in_flight"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def in_flight(self) -> bool:
        return self.state in (RunState.WAITING, RunState.RUNNING)

    def load_report(self) -> RunReportBody | None:
        """None where it has none yet, or none that can be loaded."""
        try:
            return bodies.load_run_report(self.report) if self.report else None
        except bodies.UnknownBody:
            return None

    def load_stages(self) -> StagesBody:
        """None of them where they were stored in a form that is not known here."""
        try:
            return run_records.load_stages(self.stages)
        except bodies.UnknownBody:
            return StagesBody()

    @property
    def began_at(self) -> datetime:
        """Up to when it knows the labels."""
        return self.started_at or self.created_at


class TriggerCheck(models.Model):
    """Why a run began, or why it did not: an answer of a trigger rule since `at`, with its figures of `changed_at`."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="trigger_checks")
    trigger = models.CharField(max_length=40, help_text="One of retraining.triggers.rules.")
    fired = models.BooleanField()
    words = models.CharField(max_length=300)
    evidence = models.JSONField(default=dict)
    run = models.ForeignKey(TrainingRun, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When its words and figures were last written.")

    class Meta:
        indexes = [models.Index(fields=["project", "trigger", "-at"], name="trigger_newest")]

    def __str__(self) -> str:
        return self.words

    def load_evidence(self) -> TriggerEvidence | None:
        """None where it was stored in a form that is not known here."""
        try:
            return run_records.load_evidence(self.evidence)
        except bodies.UnknownBody:
            return None
