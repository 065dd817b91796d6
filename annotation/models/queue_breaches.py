"""Breaches of the time that items of a queue may wait."""

from django.db import models
from django.db.models import Q

from annotation.models.routing import Queue
from projects.models import Project


class QueueBreach(models.Model):
    """A time in which something waited longer in a queue than it may: from when that was seen until nothing did."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="queue_breaches")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="breaches")
    due_at = models.DateTimeField(help_text="When the first item should have been answered.")
    late = models.PositiveIntegerField(help_text="Items that were late when it was seen.")
    noticed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue"], condition=Q(ended_at=None), name="one_open_breach_per_queue")
        ]

    def __str__(self) -> str:
        return f"{self.queue_id} since {self.due_at:%Y-%m-%d %H:%M}"
