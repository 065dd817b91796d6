"""Models that answer over the Label Studio ML-backend protocol and suggest labels."""

from django.db import models

from projects.models import Project


class MLBackend(models.Model):
    """One backend: where it answers, which queue it suggests for, and what became of the last calls."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ml_backends")
    uid = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500)
    queue_slug = models.CharField(max_length=80, blank=True, default="", help_text="Empty: every queue.")
    nonce = models.CharField(max_length=64, help_text="Of its password, which is derived and never stored.")
    enabled = models.BooleanField(default=True)
    model_version = models.CharField(max_length=80, blank=True, default="", help_text="As predictions carry it.")
    setup_version = models.CharField(max_length=80, blank=True, default="", help_text="As /setup named it last.")
    error = models.CharField(max_length=500, blank=True, default="", help_text="Why the last call failed.")
    failed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    suggested = models.PositiveIntegerField(default=0, help_text="Answers that were kept.")
    unusable = models.PositiveIntegerField(default=0, help_text="Answers that were no value of this project.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "ML backend"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="ml_backend_name_once")]

    def __str__(self) -> str:
        return self.name
