"""Releases."""

from django.conf import settings
from django.db import models

from projects.models import Project
from retraining.models.versions import ModelVersion

User = settings.AUTH_USER_MODEL


class ReleaseKind(models.TextChoices):
    MODEL = "model"
    THRESHOLD = "threshold"
    POLICY = "policy"


class Release(models.Model):
    """An act that changes what is served. Append-only."""

    class Act(models.TextChoices):
        PROMOTE = "promote"
        ROLL_BACK = "roll_back"

    project = models.ForeignKey(Project, models.CASCADE, related_name="releases")
    kind = models.CharField(max_length=10, choices=ReleaseKind, default=ReleaseKind.MODEL)
    act = models.CharField(max_length=10, choices=Act)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="releases")
    previous = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    automatic = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    verdict = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "-at", "-id"], name="release_newest")]

    def __str__(self) -> str:
        return f"{self.act} {self.version_id}"
