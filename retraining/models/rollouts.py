"""Rollouts: a version beside the one that serves, in its shadow or for a share of the entities."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from projects.models import Project
from retraining.models.versions import ModelVersion


class RolloutMode(models.TextChoices):
    SHADOW = "shadow", "Shadow"
    CANARY = "canary", "Canary"
    AB = "ab", "A/B test"


class RolloutState(models.TextChoices):
    RUNNING = "running"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


class Rollout(models.Model):
    """One version beside what serves. In the shadow it answers nobody; as a canary it answers for its share."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="rollouts")
    mode = models.CharField(max_length=10, choices=RolloutMode)
    version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="rollouts")
    name = models.CharField(max_length=80, blank=True, default="", help_text="Tag of a captured version.")
    against = models.CharField(max_length=80, help_text="Tag of what served when it began.")
    salt = models.CharField(max_length=32, help_text="With an entity's hash: its arm.")
    shares = models.JSONField(default=list, help_text="The shares of its steps, rising; none in the shadow.")
    begun = models.JSONField(default=list, help_text="When each step so far began.")
    limits = models.JSONField(default=dict, help_text="By how much each rate may exceed the champion's.")
    slow_ms = models.FloatField(null=True, help_text="An answer that takes longer is slow; null: not watched.")
    state = models.CharField(max_length=12, choices=RolloutState, default=RolloutState.RUNNING)
    stopped_by = models.CharField(max_length=40, blank=True, default="", help_text="The rule that rolled it back.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(state="running"), name="one_rollout_runs"),
            models.CheckConstraint(
                condition=Q(state="running", ended_at=None) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="rollout_ended_where_it_does_not_run",
            ),
        ]
        indexes = [models.Index(fields=["project", "-started_at"], name="rollout_newest")]

    def __str__(self) -> str:
        return f"{self.tag} in {self.mode}"

    @property
    def tag(self) -> str:
        return self.version.tag if self.version else self.name

    @property
    def answers(self) -> bool:
        """Whether it answers for a share of the entities."""
        return self.mode != RolloutMode.SHADOW

    @property
    def share(self) -> float:
        """The share that it has now; 0 in the shadow."""
        return float(self.shares[len(self.begun) - 1]) if self.answers else 0.0

    @property
    def next_share(self) -> float | None:
        return float(self.shares[len(self.begun)]) if len(self.begun) < len(self.shares) else None

    @property
    def steps(self) -> list[tuple[float, datetime]]:
        """Share and beginning of each step so far."""
        return [(float(share), datetime.fromisoformat(at)) for share, at in zip(self.shares, self.begun, strict=False)]


class RolloutLook(models.Model):
    """What the guardrails of a canary said at one time."""

    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="looks")
    at = models.DateTimeField()
    body: Any = models.JSONField(help_text="retraining.rollout_bodies.LookBody")

    class Meta:
        indexes = [models.Index(fields=["rollout", "-at", "-id"], name="rollout_look_newest")]

    def __str__(self) -> str:
        return f"{self.rollout_id} at {self.at}"
