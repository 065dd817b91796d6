"""Model versions, and why one cannot be loaded."""

from django.db import models
from django.db.models import Q

from projects.models import Project
from retraining.bodies import EvaluationBody, VerdictBody
from retraining.models.runs import TrainingRun


class ModelVersion(models.Model):
    """An immutable, hashed, signed artifact with its evaluation report."""

    class Stage(models.TextChoices):
        CANDIDATE = "candidate"
        CHAMPION = "champion"
        RETIRED = "retired"

    project = models.ForeignKey(Project, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, models.PROTECT, related_name="version")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.CANDIDATE)
    family = models.CharField(max_length=40)
    artifact_sha256 = models.CharField(max_length=64)
    artifact_size = models.PositiveIntegerField()
    signature = models.CharField(max_length=64, help_text="HMAC-SHA256 by a key that is not in the database.")
    parameters = models.JSONField(default=dict, help_text="What prediction needs beside the artifact.")
    schema_version = models.PositiveIntegerField()
    contract_version = models.PositiveIntegerField()
    judgement = models.ForeignKey(
        "Judgement", models.SET_NULL, null=True, blank=True, related_name="+", help_text="The newest."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["project"], condition=Q(stage="champion"), name="one_champion"),
        ]

    def __str__(self) -> str:
        return self.tag

    @property
    def tag(self) -> str:
        """The text that predictions carry."""
        return f"v{self.number}"

    @property
    def evaluation(self) -> EvaluationBody | None:
        """That of the newest judgement; None where there is none, or none that can be loaded."""
        return self.judgement.load_evaluation() if self.judgement else None

    @property
    def verdict(self) -> VerdictBody | None:
        """The gate's decision of the newest judgement, whatever serves since; None as of `evaluation`."""
        return self.judgement.load_verdict() if self.judgement else None


class LoadFailure(models.Model):
    """Why the last try to load a version failed; there is no row while it loads."""

    version = models.OneToOneField(ModelVersion, models.CASCADE, related_name="load_failure")
    words = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.words
