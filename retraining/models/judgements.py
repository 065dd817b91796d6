"""Versions judged against what served: by evaluation items, and where the two disagree."""

from django.db import models
from django.db.models import F, Q

from annotation.models import Item, SegmentText
from retraining import bodies
from retraining.bodies import EvaluationBody, VerdictBody
from retraining.models.versions import ModelVersion


class Judgement(models.Model):
    """A version judged against what served then: its report and the gate's verdict. Append-only, the newest counts."""

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="judgements")
    against = models.CharField(
        max_length=80, blank=True, default="", help_text="Tag of what served then; empty for the naive baseline."
    )
    evaluation = models.JSONField(default=dict)
    verdict = models.JSONField(default=dict)
    judged_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["version", "-judged_at", "-id"], name="judgement_newest")]

    def __str__(self) -> str:
        return f"{self.version_id} against {self.against or 'the naive baseline'}"

    def load_evaluation(self) -> EvaluationBody | None:
        """None where it was stored in a form that is not known here."""
        try:
            return bodies.load_evaluation(self.evaluation)
        except bodies.UnknownBody:
            return None

    def load_verdict(self) -> VerdictBody | None:
        """None where it was stored in a form that is not known here: it opens no gate then."""
        try:
            return bodies.load_verdict(self.verdict)
        except bodies.UnknownBody:
            return None


class DisagreementSample(models.Model):
    """Where a version and what served then differ in a window of traffic, in the order of a draw, and what it decides.

    One for each pair: labels are looked at after each, so a pair cannot be drawn again until it passes.
    """

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="disagreement_samples")
    against = models.CharField(max_length=80, help_text="Tag of what served then.")
    seed = models.BigIntegerField(help_text="Of the draw.")
    window = models.JSONField(help_text="retraining.window_bodies.WindowBody")
    asked = models.PositiveIntegerField(default=0, help_text="How many of the drawn were put before people.")
    verdict = models.JSONField(default=dict, help_text="retraining.bodies.DisagreementBody; empty before the first.")
    made_at = models.DateTimeField()
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "against"], name="disagreement_sample_once")]

    def __str__(self) -> str:
        return f"{self.version_id} where it differs from {self.against}"


class Outcome(models.TextChoices):
    """How two sides compare on one item."""

    BOTH_RIGHT = "both_right", "both right"
    FIXED = "fixed", "fixed"
    BROKEN = "broken", "broken"
    BOTH_WRONG = "both_wrong", "both wrong"


class EvaluatedItemQuerySet(models.QuerySet["EvaluatedItem"]):
    def outcome(self, outcome: str) -> "EvaluatedItemQuerySet":
        ours, theirs = Q(label=F("truth")), Q(champion_label=F("truth"))
        return self.filter(
            {
                Outcome.BOTH_RIGHT: ours & theirs,
                Outcome.FIXED: ours & ~theirs,
                Outcome.BROKEN: ~ours & theirs,
                Outcome.BOTH_WRONG: ~ours & ~theirs,
            }[Outcome(outcome)]
        )

    def in_segment(self, wanted: str) -> "EvaluatedItemQuerySet":
        """Those whose item's segment has the pair that a difference is named by, such as channel=app."""
        name, _, value = wanted.replace("\x00", "").partition("=")
        return self.annotate(part=SegmentText("item__segment", name)).filter(part=value)


class EvaluatedItem(models.Model):
    """What a version and what it was judged against said of one item that neither was trained on. Append-only."""

    judgement = models.ForeignKey(Judgement, models.CASCADE, related_name="evaluated")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+")
    truth = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    confidence = models.FloatField()
    champion_label = models.CharField(max_length=200, help_text="Of the naive baseline where nothing was live.")
    champion_confidence = models.FloatField(null=True, help_text="Unknown for a captured label without scores.")
    inclusion_probability = models.FloatField()

    objects = EvaluatedItemQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["judgement", "item"], name="evaluated_item_once")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.judgement_id}"
