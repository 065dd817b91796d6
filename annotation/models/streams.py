"""Models of streams: how far their consumers are."""

from django.db import models

from projects.models import Project


class StreamProgress(models.Model):
    """Where the consumer of a stream was when it was last seen."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="stream_progress")
    stream = models.CharField(max_length=200)
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When it was stopped by a person.")
    waiting = models.PositiveBigIntegerField(help_text="Messages that no consumer has received yet.")
    unsettled = models.PositiveBigIntegerField(help_text="Received and not settled.")
    consumed = models.PositiveBigIntegerField(help_text="Since it began.")
    dead = models.PositiveBigIntegerField(help_text="Of these, put into the dead-letter stream.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "stream"], name="stream_progress_once")]

    def __str__(self) -> str:
        return self.stream
