"""Releases."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from projects.models import Project
from retraining.models.rollouts import Rollout, RolloutState
from retraining.models.versions import ModelVersion

User = settings.AUTH_USER_MODEL


class ReleaseKind(models.TextChoices):
    MODEL = "model"
    THRESHOLD = "threshold"
    POLICY = "policy"


class ReleaseQuerySet(models.QuerySet["Release"]):
    def of_what_serves(self) -> "ReleaseQuerySet":
        """The acts that changed which model serves: not the roll back of a canary, beside which the champion stayed."""
        ended = Rollout.objects.filter(
            project=OuterRef("project"), state=RolloutState.ROLLED_BACK, ended_at=OuterRef("at")
        )
        promoted, rolled_back = Q(act=Release.Act.PROMOTE), Q(~Exists(ended), act=Release.Act.ROLL_BACK)
        return self.filter(promoted | rolled_back, kind=ReleaseKind.MODEL)


class Release(models.Model):
    """An act that changes what is served: one model, threshold or policy. Append-only.

    A version trained here stands in `version`, anything else by its tag in `name`; so does what was in force before.
    """

    class Act(models.TextChoices):
        PROMOTE = "promote"
        ROLL_BACK = "roll_back"
        SHADOW = "shadow"
        CANARY = "canary"
        RAISE = "raise"
        END = "end"

    project = models.ForeignKey(Project, models.CASCADE, related_name="releases")
    kind = models.CharField(max_length=10, choices=ReleaseKind, default=ReleaseKind.MODEL)
    act = models.CharField(max_length=10, choices=Act)
    version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="releases")
    previous = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(
        max_length=80, blank=True, default="", help_text="Tag of a captured version, a threshold or a policy."
    )
    previous_name = models.CharField(max_length=80, blank=True, default="")
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    automatic = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    verdict = models.JSONField(default=dict)
    at = models.DateTimeField()

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["project", "-at", "-id"], name="release_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(version=None) | Q(name="", kind="model"), name="release_of_one_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.tag or 'nothing'}"

    @property
    def tag(self) -> str:
        """What is in force since; "" where a threshold or a policy was taken back and none is."""
        return self.version.tag if self.version else self.name

    @property
    def previous_tag(self) -> str:
        """What was in force before; "" where nothing was."""
        return self.previous.tag if self.previous else self.previous_name

    @property
    def act_words(self) -> str:
        """The act as pages show it."""
        if self.kind != ReleaseKind.MODEL and self.act == self.Act.PROMOTE:
            return "Released"
        return ACT_WORDS[self.Act(self.act)]

    @property
    def what(self) -> str:
        """What is in force since, with its kind where it is no model."""
        if self.kind == ReleaseKind.MODEL:
            return self.tag
        return f"{self.kind} {self.tag}" if self.tag else f"no {self.kind}"


ACT_WORDS = {
    Release.Act.PROMOTE: "Promoted",
    Release.Act.ROLL_BACK: "Rolled back",
    Release.Act.SHADOW: "Began in the shadow",
    Release.Act.CANARY: "Began as a canary",
    Release.Act.RAISE: "Got a larger share",
    Release.Act.END: "Ended in the shadow",
}
