"""Thresholds and policies: how scores become labels and decisions."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from projects.models import Project
from retraining.learning.decision_rules import PolicyBody, ThresholdBody, load_policy, load_thresholds


class RuleKind(models.TextChoices):
    THRESHOLD = "threshold"
    POLICY = "policy"


class DecisionRule(models.Model):
    """One immutable threshold or policy of a project; its tag is what predictions carry. Append-only."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="decision_rules")
    kind = models.CharField(max_length=10, choices=RuleKind)
    number = models.PositiveIntegerField()
    body = models.JSONField(help_text="retraining.learning.decision_rules.ThresholdBody or PolicyBody")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "number"], name="decision_rule_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="decision_rule_from_1"),
        ]

    def __str__(self) -> str:
        return self.tag

    @property
    def tag(self) -> str:
        """The text that predictions carry: t3, or p3."""
        return f"{self.kind[0]}{self.number}"

    def load_thresholds(self) -> ThresholdBody:
        return load_thresholds(self.body)

    def load_policy(self) -> PolicyBody:
        return load_policy(self.body)
