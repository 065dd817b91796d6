"""Models of the audit draw: the settings that new items are drawn by, and what moved a probability afterwards."""

from django.db import models
from django.db.models import Q

from annotation.models.capture import Item
from projects.models import Project


class AuditSetting(models.Model):
    """How new items are drawn from `at` on, until the next version; rows are added and never changed.

    An item with a score of `model_version` is drawn with rate · max(floor, scale · √(p (1 - p))), p the calibrated
    probability that its most probable class is right: logit p = intercept + slope · logit score. Every other item is
    drawn with the rate.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="audit_settings")
    version = models.PositiveIntegerField()
    rate = models.FloatField(help_text="Probability of an item whose allocation is uniform.")
    floor = models.FloatField(default=1.0, help_text="1 is a uniform draw.")
    scale = models.FloatField(default=0.0)
    slope = models.FloatField(default=1.0)
    intercept = models.FloatField(default=0.0)
    model_version = models.CharField(max_length=80, blank=True, default="", help_text="Whose scores it follows.")
    labels = models.PositiveIntegerField(default=0, help_text="Audit labels that the floor was chosen by.")
    errors = models.PositiveIntegerField(default=0, help_text="How many of them show a mistake.")
    at = models.DateTimeField()
    allocated_at = models.DateTimeField(help_text="When floor, scale and calibration were set last.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="audit_setting_once"),
            models.CheckConstraint(condition=Q(rate__gt=0) & Q(rate__lte=1), name="audit_rate_0_to_1"),
            models.CheckConstraint(condition=Q(floor__gte=0.3) & Q(floor__lte=1), name="audit_floor_from_30_percent"),
        ]

    def __str__(self) -> str:
        return f"audit setting {self.version}"


class MovedProbability(models.Model):
    """What moved an item's audit probability after its capture: raised where more was drawn, thinned in a backlog."""

    item = models.OneToOneField(Item, models.CASCADE, primary_key=True, related_name="moved_probability")
    raised_to = models.FloatField(null=True, help_text="Null: it began with what it was given at capture.")
    thinned_by = models.FloatField(default=1.0, help_text="The product of all factors since.")

    def __str__(self) -> str:
        return f"raised to {self.raised_to}, thinned by {self.thinned_by}"
