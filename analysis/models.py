"""Models of analysis: recomputable reports of a window, and the findings in them."""

from django.conf import settings
from django.db import models

from annotation.models import Item, Label, Queue
from projects.models import Project


class Report(models.Model):
    """One analysis of one window and model version; computing it again writes a new row, pages read the newest."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=20, help_text="One of analysis.reports.kinds.")
    model_version = models.CharField(max_length=80, blank=True, default="")
    window_days = models.PositiveIntegerField(default=0, help_text="0 is all time.")
    body = models.JSONField(help_text="Of the format in its field `version`; read by analysis.reports.stored only.")
    inputs_hash = models.CharField(max_length=64, help_text="Of the rows it read: equal hash, equal report.")
    computed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "kind", "model_version", "-computed_at"], name="report_newest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.model_version}"


class SavedView(models.Model):
    """A view of the items under a name: filters, order and columns, as its address has them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    query = models.TextField(help_text="The query string of its address.")
    shared = models.BooleanField(default=False, help_text="All people of the project see it.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "owner", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class QueueRule(models.Model):
    """What fills a queue by itself: the explorer's filters, and how many of the items that pass them are asked."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="queue_rules")
    queue = models.OneToOneField(Queue, models.CASCADE, related_name="rule")
    query = models.TextField(help_text="The filters, as in the address of a view of the items.")
    rate = models.FloatField(default=1.0, help_text="Share of the matching items that is asked.")
    daily_budget = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"rule of queue {self.queue_id}"


class QueueRuleAction(models.Model):
    """One time that a rule looked and found something: how many items it put into its queue, and why not the others."""

    rule = models.ForeignKey(QueueRule, models.CASCADE, related_name="actions")
    at = models.DateTimeField()
    backfill = models.BooleanField(default=False)
    matched = models.PositiveIntegerField(default=0)
    put = models.PositiveIntegerField(default=0)
    not_drawn = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    labelled = models.PositiveIntegerField(default=0)
    over_budget = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="", help_text="Why it could not look.")

    class Meta:
        indexes = [models.Index(fields=["rule", "-id"], name="queue_rule_newest_action")]

    def __str__(self) -> str:
        return f"{self.put} of {self.matched}"

    def says(self) -> tuple[int, ...]:
        """Its numbers, to be compared with those of another time."""
        return (self.matched, self.put, self.not_drawn, self.waiting, self.labelled, self.over_budget)


class FindingKind(models.TextChoices):
    LABEL_ERROR = "label_error"


class Finding(models.Model):
    """One suspicious thing, with what a person decided about it.

    Its identity is `key` within its project and kind: a refresh updates the row, and closes it as gone once the thing
    is no longer found. What a person decided stays as it was decided.
    """

    class Decision(models.TextChoices):
        OPEN = "open"
        KEPT = "kept"
        FIXED = "fixed"
        UNCLEAR = "unclear"
        REQUEUED = "requeued"
        GONE = "gone"

    UNDECIDED = (Decision.OPEN, Decision.GONE)  # a person may still decide about what is no longer found

    project = models.ForeignKey(Project, models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=20, choices=FindingKind)
    key = models.CharField(max_length=80, help_text="What it is about; unique within its project and kind.")
    item = models.ForeignKey(Item, models.CASCADE, related_name="findings")
    label = models.ForeignKey(Label, models.SET_NULL, null=True, blank=True, related_name="findings")
    given = models.JSONField()
    suggested = models.JSONField()
    score = models.FloatField(help_text="0 to 1, low is most suspect.")
    expected = models.FloatField(help_text="Expected share of such findings that are right.")
    details = models.JSONField(default=dict)
    decision = models.CharField(max_length=10, choices=Decision, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind", "key"], name="finding_key_once")]
        indexes = [models.Index(fields=["project", "kind", "decision", "score"], name="finding_by_score")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.item_id}"
