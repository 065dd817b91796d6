"""Models of labelling: guidelines, labels with their revisions, and resolutions."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.capture import Item, Signal
from annotation.models.routing import LONGEST_REASON, Lease, Slot
from projects.models import ChangeRecord, Project

User = settings.AUTH_USER_MODEL


class Guideline(ChangeRecord):
    """How to label, from one version on. Every label knows the version it was given under."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="guidelines")
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True, default="", help_text="Markdown.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="guideline_version")]

    def __str__(self) -> str:
        return f"guideline v{self.version}"


class LabelState(models.TextChoices):
    GIVEN = "given"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Label(models.Model):
    """One person's value for one item: the head of append-only revisions. An extra one holds no slot."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="labels")
    item = models.ForeignKey(Item, models.CASCADE, related_name="labels")
    lease = models.OneToOneField(Lease, models.CASCADE, related_name="label")
    slot = models.ForeignKey(Slot, models.CASCADE, null=True, blank=True, related_name="labels")
    user = models.ForeignKey(User, models.CASCADE, related_name="labels")
    cause = models.CharField(max_length=20)
    state = models.CharField(max_length=8, choices=LabelState, default=LabelState.GIVEN)
    value = models.JSONField(null=True)
    also = models.JSONField(null=True, help_text="Answers to side questions, by name.")
    extra = models.BooleanField(default=False, help_text="Came after the lease ended and the slot was taken.")
    flagged = models.BooleanField(default=False)
    guideline_version = models.PositiveIntegerField(default=0)
    inclusion_probability = models.FloatField(default=1.0)
    revision = models.PositiveIntegerField(default=1)
    seconds = models.FloatField(null=True, help_text="Active seconds, as the desk counted them.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot"], condition=Q(state="given"), name="exactly_one_label_per_slot")
        ]
        indexes = [
            models.Index(fields=["item", "state"], name="label_by_item"),
            models.Index(fields=["project", "user", "-updated_at"], name="label_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.value} by {self.user_id}"


class LabelRevision(models.Model):
    """What a label said at one time. Append-only: triggers refuse updates and deletes."""

    label = models.ForeignKey(Label, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=LabelState)
    value = models.JSONField(null=True)
    also = models.JSONField(null=True)
    body_hash = models.CharField(max_length=64)
    schema_version = models.PositiveIntegerField(
        null=True, editable=False, help_text="Of the label schema that changed the value; null: its person did."
    )
    comment = models.TextField(blank=True, default="")
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["label", "number"], name="revision_number_once")]
        indexes = [
            models.Index(
                fields=["schema_version", "label"],
                condition=Q(schema_version__isnull=False),
                name="revision_by_label_schema",
            )
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of label {self.label_id}"


class ResolutionQuerySet(models.QuerySet["Resolution"]):
    def current(self) -> "ResolutionQuerySet":
        return self.filter(superseded_at=None)

    def known_at(self, at: datetime) -> "ResolutionQuerySet":
        """What was agreed at that time, whatever came later."""
        written = Q(changed_at=None) | Q(changed_at__lte=at)
        return self.filter(written, Q(superseded_at=None) | Q(superseded_at__gt=at), resolved_at__lte=at)

    def by_people(self) -> "ResolutionQuerySet":
        """What people agreed on, which alone is measured with: nothing that came with a row or of a signal."""
        return self.exclude(method__in=[Resolution.Method.KNOWN, Resolution.Method.SIGNAL])


class Resolution(models.Model):
    """The agreed value of an item, its method and quality. A new one supersedes; none is changed."""

    class Method(models.TextChoices):
        SINGLE = "single", "One label"
        UNANIMOUS = "unanimous", "Unanimous"
        MAJORITY = "majority", "Majority"
        REVIEWER = "reviewer", "Reviewer"
        KNOWN = "known", "Known at capture"
        SIGNAL = "signal", "Signal"
        MEDIAN = "median", "Median"

    project = models.ForeignKey(Project, models.CASCADE, related_name="resolutions")
    item = models.ForeignKey(Item, models.CASCADE, related_name="resolutions")
    value = models.JSONField()
    also = models.JSONField(
        null=True, help_text="Side question to {value, method, quality, votes}; the value is null where votes differ."
    )
    method = models.CharField(max_length=12, choices=Method)
    quality = models.FloatField(help_text="Share of the votes that agree, 0 to 1.")
    votes = models.PositiveSmallIntegerField()
    evaluation = models.BooleanField(default=False, help_text="Measured with, never trained on.")
    signal = models.ForeignKey(
        Signal, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Whose value it is."
    )
    reliability_version = models.PositiveIntegerField(
        null=True, editable=False, help_text="Version of the reliability by which the signal was taken for a label."
    )
    schema_version = models.PositiveIntegerField(
        null=True, editable=False, help_text="Of the label schema that changed the value; null: it was agreed so."
    )
    changed_at = models.DateTimeField(null=True, editable=False, help_text="When that change wrote this row.")
    resolved_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = ResolutionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(superseded_at=None), name="one_current_resolution_per_item"
            )
        ]
        indexes = [
            models.Index(fields=["project", "resolved_at"], name="resolution_by_time"),
            models.Index(
                fields=["project", "schema_version", "item"],
                condition=Q(schema_version__isnull=False),
                name="resolution_by_label_schema",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value} ({self.method})"


class NoLabelDecision(models.Model):
    """A reviewer's decision that no label fits an item, which is neither trained on nor measured with meanwhile."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="no_label_decisions")
    item = models.ForeignKey(Item, models.CASCADE, related_name="no_label_decisions")
    reason = models.CharField(max_length=LONGEST_REASON)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="When a label was agreed after all.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=Q(withdrawn_at=None), name="one_no_label_decision")
        ]
        indexes = [models.Index(fields=["project", "decided_at"], condition=Q(withdrawn_at=None), name="no_label_fits")]

    def __str__(self) -> str:
        return self.reason
