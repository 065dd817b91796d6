"""A project with its settings, its labels and inputs in versions, and who belongs to it."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, Q, Subquery

from projects.models.changes import ChangeRecord
from projects.models.people import Role, User
from projects.project_settings import (
    AnySettings,
    BadSpec,
    CostSettings,
    RetrainingSettings,
    RoutingSettings,
    Settings,
    check_labels_named,
    parse,
)

# Column to definition.
SETTINGS: dict[str, type[Settings]] = {
    "routing": RoutingSettings,
    "retraining": RetrainingSettings,
    "costs": CostSettings,
}


SCHEMA_COLUMNS = ("id", "version", "labels")


class ProjectQuerySet(models.QuerySet["Project"]):
    def for_user(self, user: User) -> "ProjectQuerySet":
        """The projects that this person may enter; a superuser enters all."""
        if user.is_superuser:
            return self.order_by("title", "pk")
        return self.filter(memberships__user=user).order_by("title", "pk")

    def with_schema(self) -> "ProjectQuerySet":
        """The projects with the label schema in force beside each, for `Project.schema`: no statement more."""
        newest = LabelSchema.objects.filter(project=OuterRef("pk")).order_by("-version")
        columns = {f"schema_{name}": Subquery(newest.values(name)[:1]) for name in SCHEMA_COLUMNS}
        return self.annotate(**columns)


class ContractViolations(models.TextChoices):
    """What becomes of a captured row with a value that breaks the input contract."""

    REFUSE = "refuse", "Refuse the row"
    KEEP = "keep", "Keep the row without the value"


class Project(models.Model):
    """One decision that a model makes."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="choice", help_text="One of annotation.kinds.")
    answer = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        editable=False,
        help_text="What a value may be beyond its labels; set once.",
    )
    overlap = models.PositiveSmallIntegerField(default=1)
    costs = models.JSONField(default=dict, blank=True)
    positive = models.CharField(max_length=200, blank=True, default="")
    safe_default = models.CharField(
        max_length=200, blank=True, default="", help_text="The label answered when no version can be loaded."
    )
    outcome_matures_after_days = models.PositiveIntegerField(default=0)
    contract_violations = models.CharField(
        max_length=10,
        choices=ContractViolations,
        default=ContractViolations.REFUSE,
        help_text="With keep the value stands beside its item, whose input is missing.",
    )
    retraining = models.JSONField(default=dict, blank=True)
    routing = models.JSONField(default=dict, blank=True)
    also_ask = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        editable=False,
        help_text="Side questions: list of {name, kind, title?, labels?, answer?, required?, when?, retired?}.",
    )
    # Tags, not foreign keys: predictions of foreign models are first-class, and nothing points upward.
    champion_version = models.CharField(max_length=80, blank=True, default="")
    threshold_version = models.CharField(max_length=80, blank=True, default="")
    policy_version = models.CharField(max_length=80, blank=True, default="")
    canary_version = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="Answers for a share of entities."
    )
    audit_slug = models.CharField(
        max_length=60, blank=True, default="", help_text="Its slug in audit events from before events had its id."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Since when it is read-only.")
    created_at = models.DateTimeField()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(overlap__gte=1) & Q(overlap__lte=20), name="project_overlap_1_to_20")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def archived_words(self) -> str:
        """Why nothing can be changed in it; "" where something can."""
        if self.archived_at is None:
            return ""
        return (
            f"{self.title} is archived: it can be read, and nothing in it changes until an admin restores it in the "
            "general settings."
        )

    def clean(self) -> None:
        """What a form may write: settings as a spec would take them."""
        for name, kind in SETTINGS.items():
            try:
                parse(kind, name, getattr(self, name))
            except BadSpec as why:
                raise ValidationError({name: str(why)}) from None
        labels = self.label_schemas.order_by("-version").first() if self.pk else None
        contract = self.input_contracts.order_by("-version").first() if self.pk else None
        if labels and contract:
            try:
                check_labels_named(self, labels.values(), contract.segments)
            except BadSpec as why:
                raise ValidationError(str(why)) from None

    def routing_settings(self) -> RoutingSettings:
        """How much is routed, defaults filled in. Raises BadSpec where the row holds what no form would take."""
        return parse(RoutingSettings, "routing", self.routing)

    def retraining_settings(self) -> RetrainingSettings:
        """When a run may begin and who promotes, defaults filled in. Raises BadSpec as above."""
        return parse(RetrainingSettings, "retraining", self.retraining)

    def retraining_part(self, kind: type[AnySettings]) -> AnySettings:
        """What a trigger rule or the trainers take of the same object. Raises BadSpec as above."""
        return parse(kind, "retraining", self.retraining)

    @property
    def keeps_violations(self) -> bool:
        """Whether a row is captured although a value of it breaks the input contract."""
        return self.contract_violations == ContractViolations.KEEP

    def cost_settings(self) -> CostSettings | None:
        """What mistakes about the positive label cost, or None where the project names no costs. Raises BadSpec."""
        return parse(CostSettings, "costs", self.costs) if self.costs else None

    def schema(self) -> "LabelSchema":
        """The label schema in force. Reads the database once per instance."""
        if not hasattr(self, "_schema"):
            self._schema = self._schema_beside() or self.label_schemas.latest("version")
        return self._schema

    def _schema_beside(self) -> "LabelSchema | None":
        """The schema that `with_schema` read with the project, where it did."""
        values = [getattr(self, f"schema_{name}", None) for name in SCHEMA_COLUMNS]
        if None in values:
            return None
        return LabelSchema.from_db(self._state.db, ["project_id", *SCHEMA_COLUMNS], [self.pk, *values])

    def contract(self) -> "InputContract":
        """The input contract in force. Reads the database once per instance."""
        if not hasattr(self, "_contract"):
            self._contract = self.input_contracts.latest("version")
        return self._contract


class LabelSchema(ChangeRecord):
    """The labels of a project from one version on. Immutable: a change is a new version."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="label_schemas")
    version = models.PositiveIntegerField()
    labels = models.JSONField(
        help_text="List of {value, title?, key?, hint?, colour?, retired?}; the order is that of stored scores."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="label_schema_version")]

    def __str__(self) -> str:
        return f"{self.project_id} labels v{self.version}"

    def values(self) -> list[str]:
        return [label["value"] for label in self.labels]

    def offered_values(self) -> list[str]:
        """The labels that people may still answer with."""
        return [label["value"] for label in self.labels if not label.get("retired")]

    def title_of(self, value: str) -> str:
        """What people read in place of a label's value: its title, or the value where there is none."""
        return next((label.get("title") or value for label in self.labels if label["value"] == value), value)


class InputContract(ChangeRecord):
    """The typed inputs of a project from one version on. Immutable."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="input_contracts")
    version = models.PositiveIntegerField()
    inputs = models.JSONField(help_text="Name to {type: text|number|category|image, min?, max?, values?, …}.")
    segments = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="input_contract_version")]

    def __str__(self) -> str:
        return f"{self.project_id} inputs v{self.version}"

    def types(self) -> dict[str, str]:
        return {name: spec["type"] for name, spec in self.inputs.items()}


class SettingsVersion(ChangeRecord):
    """What the columns of one area of a project's settings held from one version on. Immutable."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="settings_versions")
    area = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    value = models.JSONField(help_text="Column to what it held.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "area", "version"], name="settings_version_once")]

    def __str__(self) -> str:
        return f"{self.area} v{self.version}"


class Membership(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.project_id}"
