"""Models of feedback from a product's own users: keys that stand in public pages, and how often each was used."""

from django.db import models

from projects.models import Project, User


class FeedbackKey(models.Model):
    """A publishable key: pages of these origins may add signals of these kinds with it, and do nothing else.

    The token is stored as it is, because it stands in the source of public pages: it protects nothing by being secret.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="feedback_keys")
    token = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    origins = models.JSONField(help_text="A list such as https://shop.example.")
    kinds = models.JSONField(help_text="A list of kinds of signals.")
    most_a_minute = models.PositiveIntegerField(help_text="Signals a minute with this key.")
    most_by_address = models.PositiveIntegerField(help_text="Signals a minute from one address.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class FeedbackCount(models.Model):
    """How many signals came in one minute with a key, from one address or ("") in all."""

    key = models.ForeignKey(FeedbackKey, models.CASCADE, related_name="counts")
    address = models.CharField(max_length=64, blank=True, default="", help_text="A keyed hash that changes each day.")
    minute = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "address", "minute"], name="feedback_count_once")]

    def __str__(self) -> str:
        return f"{self.count} at {self.minute}"
