"""Models of capture: items, predictions, signals and media."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import F, Func, Q, Value

from projects.ids import new_id
from projects.models import Project

ITEM = "item"  # how the public id of an item begins


def item_id() -> str:
    return new_id(ITEM)


class Media(models.Model):
    """One image, stored once per project under the SHA-256 of its bytes."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="media")
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "media"
        constraints = [models.UniqueConstraint(fields=["project", "sha256"], name="media_once")]

    def __str__(self) -> str:
        return self.sha256[:12]


class SegmentText(Func):
    """The text of one part of a segment, by its name; NULL where there is none. The name is data, whatever it holds."""

    function = "jsonb_extract_path_text"
    output_field = models.TextField()

    def __init__(self, segment: str, name: str) -> None:
        super().__init__(segment, Value(name))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT CAST(part.value AS TEXT) FROM json_each(%(expressions)s))"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner=") AS part WHERE part.key = (", **context
        )


DRAWN = Q(audit_number__lt=F("audit_probability"))


class ItemQuerySet(models.QuerySet["Item"]):
    def drawn(self) -> "ItemQuerySet":
        """The items that the audit drew: evaluation items, never trained on."""
        return self.filter(DRAWN)


class Item(models.Model):
    """One sample that can be shown and labelled."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="items")
    uid = models.CharField(max_length=40, unique=True, default=item_id, editable=False)
    key = models.CharField(max_length=200, help_text="The caller's own key.")
    body_hash = models.CharField(max_length=64, help_text="Same key and same body replays; another body is refused.")
    inputs = models.JSONField()
    contract_version = models.PositiveIntegerField()
    segment = models.JSONField(default=dict)
    at = models.DateTimeField(help_text="When it happened, by the caller.")
    captured_at = models.DateTimeField()
    considered_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a round of the former design, which drew the audit in rounds, weighed it.",
    )
    audit_number = models.FloatField(null=True, help_text="Uniform in [0, 1), a keyed hash of the key.")
    audit_probability = models.FloatField(
        null=True,
        help_text="The item is drawn for the audit where audit_number is less than this. Null: not in the design.",
    )
    audit_setting = models.PositiveIntegerField(
        null=True, editable=False, help_text="Version of the setting that drew it. Null: before settings were kept."
    )
    audit_confidence = models.FloatField(
        null=True, editable=False, help_text="The score at capture that its probability follows; null: the plain rate."
    )
    sample_number = models.FloatField(null=True, help_text="A second uniform number: the order of random samples.")
    in_pool = models.BooleanField(default=True, help_text="The active part may still ask it.")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="Round in which the active part asked it: it then stands for itself."
    )
    asked_rank = models.PositiveIntegerField(null=True, blank=True, help_text="Place in that round, low = sooner.")

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="item_key_once"),
            models.CheckConstraint(
                condition=Q(audit_probability=None) | Q(audit_probability__gt=0, audit_probability__lte=1),
                name="audit_probability_0_to_1",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-captured_at", "-id"], name="item_by_capture"),
            models.Index(fields=["project", "-at", "-id"], name="item_by_time"),
            models.Index(fields=["project", "sample_number"], condition=Q(in_pool=True), name="pool_by_chance"),
            models.Index(fields=["project", "audit_number"], condition=Q(in_pool=True), name="pool_by_audit_number"),
            models.Index(fields=["project", "-captured_at", "-id"], condition=Q(in_pool=True), name="pool_by_capture"),
            models.Index(fields=["project", "sample_number"], condition=DRAWN, name="audit_by_chance"),
            models.Index(fields=["project", "asked_at"], condition=Q(asked_at__isnull=False), name="item_by_asking"),
            models.Index(
                fields=["project", "id"], condition=Q(in_pool=True, audit_probability=None), name="item_not_drawn"
            ),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def is_drawn(self) -> bool:
        """Whether the audit drew it."""
        number, probability = self.audit_number, self.audit_probability
        return number is not None and probability is not None and number < probability


class SearchText(models.Model):
    """An item's key and values as they are compared in a search (inputs.search), beside the item: nothing else reads
    them."""

    item = models.OneToOneField(Item, models.CASCADE, primary_key=True, related_name="search_text")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    text = models.TextField()
    indexed = models.BooleanField(default=False, db_default=False, help_text="Whether the trigram index has it.")

    class Meta:
        indexes = [
            models.Index(fields=["project", "item"], condition=Q(indexed=False), name="search_text_to_index"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Source(models.TextChoices):
    CAPTURED = "captured", "Captured"
    SERVED = "served", "Served here"
    RESCORED = "rescored", "Scored again"
    OUT_OF_FOLD = "out_of_fold", "Out of fold"


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def of_items(self, ids: Sequence[int]) -> "PredictionQuerySet":
        """What was said of these items. Asked for their project as well, SQLite would go through all that it holds."""
        return self.filter(item__in=ids)


class Prediction(models.Model):
    """What one model version said of one item, with the threshold and policy in force."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="predictions")
    item = models.ForeignKey(Item, models.CASCADE, related_name="predictions")
    source = models.CharField(max_length=12, choices=Source, default=Source.CAPTURED)
    model_version = models.CharField(max_length=80, blank=True, default="")
    threshold_version = models.CharField(max_length=80, blank=True, default="")
    policy_version = models.CharField(max_length=80, blank=True, default="")
    stage = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="As its service called it."
    )
    latency_ms = models.FloatField(null=True, blank=True, help_text="How long the answer took.")
    decision = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="What was done with it."
    )
    entity = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Whom or what was decided about; its arm."
    )
    schema_version = models.PositiveIntegerField(help_text="The label order of `scores`.")
    scores = models.BinaryField(null=True, help_text="float32 little-endian, one per label of the schema version.")
    label = models.CharField(max_length=200, blank=True, default="")
    value = models.JSONField(null=True, help_text="For kinds whose answer is not one label.")
    confidence = models.FloatField(null=True)
    margin = models.FloatField(null=True)
    entropy = models.FloatField(null=True)
    out_of_sample = models.BooleanField(default=True, help_text="False where the version was trained on this item.")
    degraded = models.BooleanField(default=False)
    at = models.DateTimeField()

    objects = PredictionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "model_version", "source"], name="prediction_once_per_source")
        ]
        indexes = [
            models.Index(fields=["project", "model_version", "-at", "-id"], name="prediction_by_version"),
            models.Index(fields=["project", "-at", "-id"], name="prediction_by_time"),
            models.Index(
                fields=["project", "model_version", "margin", "id"],
                condition=Q(margin__isnull=False),
                name="prediction_by_margin",
            ),
            models.Index(fields=["project", "label", "confidence", "item"], name="prediction_by_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.predicted_value} by {self.model_version}"

    @property
    def predicted_value(self) -> Any:
        """The predicted value of whatever kind; None where only scores were captured."""
        return self.label or self.value


class Signal(models.Model):
    """What came back about a prediction. One that arrives first waits with `item` null."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="signals")
    key = models.CharField(max_length=200, help_text="The caller's id of this signal.")
    prediction_key = models.CharField(max_length=200)
    item = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="signals")
    kind = models.CharField(max_length=40, help_text="One of annotation.signals.kinds.")
    value = models.JSONField(null=True, blank=True)
    actor = models.CharField(max_length=200, blank=True, default="")
    body_hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    captured_at = models.DateTimeField()
    weighed_at = models.DateTimeField(
        null=True, blank=True, help_text="Round that decided whether a person is asked because of it."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="signal_key_once")]
        indexes = [
            models.Index(
                fields=["project", "kind", "at"],
                condition=Q(weighed_at=None, item__isnull=False),
                name="signal_to_weigh",
            ),
            models.Index(fields=["project", "prediction_key"], name="signal_waits_for"),
            models.Index(fields=["project", "kind", "-captured_at"], name="signal_by_kind"),
            models.Index(fields=["project", "captured_at"], condition=Q(item=None), name="signal_without_item"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def kind_words(self) -> str:
        """The kind as pages show it."""
        return self.kind.replace("_", " ").capitalize()


class SignalReliability(models.Model):
    """How often signals are right, from one version on; the body is that of annotation.signals.reliability."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="signal_reliabilities")
    version = models.PositiveIntegerField()
    body = models.JSONField()
    labelling = models.JSONField(default=list, help_text="Kind and actor of the signals that became labels last.")
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "signal reliabilities"
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="signal_reliability_version")]

    def __str__(self) -> str:
        return f"signal reliability {self.version}"
