"""Models of retraining: datasets, runs, versions, judgements and releases."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotation.models import Item, Resolution, SegmentText
from jobs.models import Job
from projects.models import Project
from retraining import bodies
from retraining.bodies import EvaluationBody, RunReportBody, VerdictBody

User = settings.AUTH_USER_MODEL


class Dataset(models.Model):
    """A frozen, hashed list of items with their resolutions and split."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    number = models.PositiveIntegerField()
    hash = models.CharField(max_length=64, help_text="SHA-256 of the ordered rows and the label schema.")
    schema_version = models.PositiveIntegerField()
    contract_version = models.PositiveIntegerField()
    cut_at = models.DateTimeField(help_text="Only what was known then.")
    train_rows = models.PositiveIntegerField()
    evaluation_rows = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(
        default=0, help_text="Resolved items on neither side: they would cross it, or their label is retired."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="dataset_number_once"),
            models.UniqueConstraint(fields=["project", "hash"], name="dataset_hash_once"),
        ]

    def __str__(self) -> str:
        return f"dataset {self.number}"


class DatasetRow(models.Model):
    class Split(models.TextChoices):
        TRAIN = "train"
        EVALUATION = "evaluation"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="rows")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    resolution = models.ForeignKey(Resolution, models.PROTECT, related_name="+")
    split = models.CharField(max_length=10, choices=Split)
    inclusion_probability = models.FloatField(default=1.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "item"], name="dataset_item_once")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.dataset_id}"


class RunState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNCHANGED = "unchanged"
    STOPPED = "stopped"


class TrainingRun(models.Model):
    """One fit: why it began, on what, with what seed, how it went."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    reason = models.CharField(max_length=300, help_text="Why it began, in words.")
    evidence = models.JSONField(default=dict)
    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True, related_name="runs")
    seed = models.PositiveIntegerField(default=0)
    trainer = models.CharField(max_length=40, default="here", help_text="One of retraining.trainers.")
    stages = models.JSONField(default=list, help_text="What it did when, in order: {stage, attempt, at}.")
    report = models.JSONField(default=dict, help_text="Candidates tried, calibrator, seconds, library versions.")
    error = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="run_number_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=["waiting", "running"]), name="one_run_in_flight"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def in_flight(self) -> bool:
        return self.state in (RunState.WAITING, RunState.RUNNING)

    def load_report(self) -> RunReportBody | None:
        """None where it has none yet, or none that can be loaded."""
        try:
            return bodies.load_run_report(self.report) if self.report else None
        except bodies.UnknownBody:
            return None

    @property
    def began_at(self) -> datetime:
        """Up to when it knows the labels."""
        return self.started_at or self.created_at


class ModelVersion(models.Model):
    """An immutable, hashed, signed artifact with its evaluation report."""

    class Stage(models.TextChoices):
        CANDIDATE = "candidate"
        CHAMPION = "champion"
        RETIRED = "retired"

    project = models.ForeignKey(Project, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, models.PROTECT, related_name="version")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.CANDIDATE)
    family = models.CharField(max_length=40)
    artifact_sha256 = models.CharField(max_length=64)
    artifact_size = models.PositiveIntegerField()
    signature = models.CharField(max_length=64, help_text="HMAC-SHA256 by a key that is not in the database.")
    parameters = models.JSONField(default=dict, help_text="What prediction needs beside the artifact.")
    schema_version = models.PositiveIntegerField()
    contract_version = models.PositiveIntegerField()
    judgement = models.ForeignKey(
        "Judgement", models.SET_NULL, null=True, blank=True, related_name="+", help_text="The newest."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["project"], condition=Q(stage="champion"), name="one_champion"),
        ]

    def __str__(self) -> str:
        return self.tag

    @property
    def tag(self) -> str:
        """The text that predictions carry."""
        return f"v{self.number}"

    @property
    def evaluation(self) -> EvaluationBody | None:
        """That of the newest judgement; None where there is none, or none that can be loaded."""
        return self.judgement.load_evaluation() if self.judgement else None

    @property
    def verdict(self) -> VerdictBody | None:
        """The gate's decision of the newest judgement, whatever serves since; None as of `evaluation`."""
        return self.judgement.load_verdict() if self.judgement else None


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
    window = models.JSONField(help_text="retraining.bodies.WindowBody")
    asked = models.PositiveIntegerField(default=0, help_text="How many of the drawn were put before people.")
    verdict = models.JSONField(default=dict, help_text="retraining.bodies.DisagreementBody; empty before the first.")
    made_at = models.DateTimeField()
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "against"], name="disagreement_sample_once")]

    def __str__(self) -> str:
        return f"{self.version_id} where it differs from {self.against}"


class LoadFailure(models.Model):
    """Why the last try to load a version failed; there is no row while it loads."""

    version = models.OneToOneField(ModelVersion, models.CASCADE, related_name="load_failure")
    words = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.words


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


class ReleaseKind(models.TextChoices):
    MODEL = "model"
    THRESHOLD = "threshold"
    POLICY = "policy"


class Release(models.Model):
    """An act that changes what is served. Append-only."""

    class Act(models.TextChoices):
        PROMOTE = "promote"
        ROLL_BACK = "roll_back"

    project = models.ForeignKey(Project, models.CASCADE, related_name="releases")
    kind = models.CharField(max_length=10, choices=ReleaseKind, default=ReleaseKind.MODEL)
    act = models.CharField(max_length=10, choices=Act)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="releases")
    previous = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    automatic = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    verdict = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "-at", "-id"], name="release_newest")]

    def __str__(self) -> str:
        return f"{self.act} {self.version_id}"


class TriggerCheck(models.Model):
    """Why a run began, or why it did not: an answer of a trigger rule since `at`, with its figures of `changed_at`."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="trigger_checks")
    trigger = models.CharField(max_length=40, help_text="One of retraining.triggers.rules.")
    fired = models.BooleanField()
    words = models.CharField(max_length=300)
    evidence = models.JSONField(default=dict)
    run = models.ForeignKey(TrainingRun, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When its words and figures were last written.")

    class Meta:
        indexes = [models.Index(fields=["project", "trigger", "-at"], name="trigger_newest")]

    def __str__(self) -> str:
        return self.words
