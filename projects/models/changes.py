"""Who changed a setting, when and why."""

from django.db import models

from projects.models.people import User

LONGEST_WHY = 300


class ChangeRecord(models.Model):
    """Base of what has versions: each row says who made it, when and for what reason."""

    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    reason = models.CharField(max_length=LONGEST_WHY, blank=True, default="")

    class Meta:
        abstract = True
