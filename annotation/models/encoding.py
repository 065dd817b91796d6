"""Models of encoding: vectors of texts, and how far the items of a project have been encoded."""

from django.db import models
from django.db.models import Q

from projects.models import Project

NAME_LENGTH, SETTING_LENGTH = 100, 500


class TextVector(models.Model):
    """The vector of one text by one encoder, kept once for a project whatever number of items hold the text."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="text_vectors")
    encoder = models.CharField(max_length=NAME_LENGTH, help_text="Its name.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of everything that decides the encoder's vectors.")
    text_sha256 = models.CharField(max_length=64)
    vector = models.BinaryField(help_text="Little-endian numbers of 16 bits, of unit length together.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest", "text_sha256"], name="text_vector_once"),
        ]

    def __str__(self) -> str:
        return f"{self.encoder} {self.text_sha256[:12]}"


class EncodingProgress(models.Model):
    """How far the items of a project have been encoded under one setting of the encoder."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="encoding_progress")
    setting = models.CharField(max_length=SETTING_LENGTH, blank=True, help_text="TEXT_ENCODER when this was written.")
    files = models.CharField(max_length=64, default="", help_text="Digest of which files the setting stood for.")
    encoder = models.CharField(max_length=NAME_LENGTH)
    digest = models.CharField(max_length=64)
    last_item = models.BigIntegerField(default=0, help_text="Items up to this id have been encoded.")
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "encoding progress"
        constraints = [
            models.UniqueConstraint(fields=["project", "setting", "files"], name="encoding_progress_once"),
            models.CheckConstraint(condition=Q(last_item__gte=0), name="encoding_progress_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.encoder} up to {self.last_item}"
