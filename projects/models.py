"""Models of projects: people, projects, label schemas, input contracts, roles, keys and the audit trail."""

import hashlib
import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

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


class User(AbstractUser):
    """A person. Sign-up is closed: an admin or `create_user` makes accounts."""

    class Theme(models.TextChoices):
        SYSTEM = "system"
        LIGHT = "light"
        DARK = "dark"

    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    timezone = models.CharField(
        max_length=64, blank=True, default="", help_text="Zone in which times are shown; empty is the browser's own."
    )
    single_keys = models.BooleanField(default=True, help_text="Single keys answer on the desk (WCAG 2.1.4).")
    keys = models.JSONField(default=dict, blank=True, help_text="Keys that this person has changed: action to key.")

    def name(self) -> str:
        return self.get_full_name() or self.username


class Can(models.TextChoices):
    """What a route may ask of a role."""

    LABEL = "label"
    SEE = "see"
    REVIEW = "review"
    CHANGE = "change"
    ADMINISTER = "administer"


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def can(self, what: Can) -> bool:
        return what in ABILITIES[self]


ABILITIES: dict[Role, frozenset[Can]] = {
    Role.ANNOTATOR: frozenset({Can.LABEL}),
    Role.REVIEWER: frozenset({Can.LABEL, Can.SEE, Can.REVIEW}),
    Role.ENGINEER: frozenset({Can.LABEL, Can.SEE, Can.REVIEW, Can.CHANGE}),
    Role.ADMIN: frozenset(Can),
}


# Column to definition.
SETTINGS: dict[str, type[Settings]] = {
    "routing": RoutingSettings,
    "retraining": RetrainingSettings,
    "costs": CostSettings,
}


class ProjectQuerySet(models.QuerySet["Project"]):
    def for_user(self, user: User) -> "ProjectQuerySet":
        """The projects that this person may enter; a superuser enters all."""
        if user.is_superuser:
            return self.order_by("title", "pk")
        return self.filter(memberships__user=user).order_by("title", "pk")


class Project(models.Model):
    """One decision that a model makes."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="choice", help_text="One of annotation.kinds.")
    overlap = models.PositiveSmallIntegerField(default=1)
    costs = models.JSONField(default=dict, blank=True)
    positive = models.CharField(max_length=200, blank=True, default="")
    safe_default = models.CharField(
        max_length=200, blank=True, default="", help_text="The label answered when no version can be loaded."
    )
    outcome_matures_after_days = models.PositiveIntegerField(default=0)
    retraining = models.JSONField(default=dict, blank=True)
    routing = models.JSONField(default=dict, blank=True)
    # Tags, not foreign keys: predictions of foreign models are first-class, and nothing points upward.
    champion_version = models.CharField(max_length=80, blank=True, default="")
    threshold_version = models.CharField(max_length=80, blank=True, default="")
    policy_version = models.CharField(max_length=80, blank=True, default="")
    audit_slug = models.CharField(
        max_length=60, blank=True, default="", help_text="Its slug in audit events from before events had its id."
    )
    created_at = models.DateTimeField()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(overlap__gte=1) & Q(overlap__lte=20), name="project_overlap_1_to_20")
        ]

    def __str__(self) -> str:
        return self.title

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

    def cost_settings(self) -> CostSettings | None:
        """What mistakes about the positive label cost, or None where the project names no costs. Raises BadSpec."""
        return parse(CostSettings, "costs", self.costs) if self.costs else None

    def schema(self) -> "LabelSchema":
        """The label schema in force. Reads the database once per instance."""
        if not hasattr(self, "_schema"):
            self._schema = self.label_schemas.latest("version")
        return self._schema

    def contract(self) -> "InputContract":
        """The input contract in force. Reads the database once per instance."""
        if not hasattr(self, "_contract"):
            self._contract = self.input_contracts.latest("version")
        return self._contract


class LabelSchema(models.Model):
    """The labels of a project from one version on. Immutable: a change is a new version."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="label_schemas")
    version = models.PositiveIntegerField()
    labels = models.JSONField(help_text="List of {value, title?, key?, hint?}; the order is that of stored scores.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="label_schema_version")]

    def __str__(self) -> str:
        return f"{self.project_id} labels v{self.version}"

    def values(self) -> list[str]:
        return [label["value"] for label in self.labels]

    def title_of(self, value: str) -> str:
        """What people read in place of a label's value: its title, or the value where there is none."""
        return next((label.get("title") or value for label in self.labels if label["value"] == value), value)


class InputContract(models.Model):
    """The typed inputs of a project from one version on. Immutable."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="input_contracts")
    version = models.PositiveIntegerField()
    inputs = models.JSONField(help_text="Name to {type: text|number|category|image, min?, max?, values?, …}.")
    segments = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="input_contract_version")]

    def __str__(self) -> str:
        return f"{self.project_id} inputs v{self.version}"

    def types(self) -> dict[str, str]:
        return {name: spec["type"] for name, spec in self.inputs.items()}


class Membership(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.project_id}"


class Scope(models.TextChoices):
    INGEST = "ingest"
    ANNOTATE = "annotate"
    READ = "read"
    ENGINEER = "engineer"

    @property
    def needs(self) -> Can:
        """What the role of a key's person must be able to do; looked at again on each call."""
        return NEEDS[self]


NEEDS: dict[Scope, Can] = {
    Scope.INGEST: Can.CHANGE,  # rows may carry known labels, which train and evaluate
    Scope.ANNOTATE: Can.LABEL,
    Scope.READ: Can.SEE,
    Scope.ENGINEER: Can.CHANGE,
}


def hashed(secret: str) -> str:
    """SHA-256 of a random secret; enough because the secrets are 256 random bits, not passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived_secret(*parts: object) -> str:
    """A secret that this installation alone can make from these parts, the same each time.

    A form that carries a random part of its own makes one thing however often it is sent, and can show its secret again
    though only the hash is stored.
    """
    return salted_hmac("projects.derived_secret", repr(parts), algorithm="sha256").hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def seen_by(self, user: User, role: "Role") -> "ApiKeyQuerySet":
        """All keys for who administers a project, else one's own."""
        return self if role.can(Can.ADMINISTER) else self.filter(user=user)


class ApiKey(models.Model):
    """A service's key: only its hash is stored, and it acts for one person in one project."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80, blank=True, default="")
    prefix = models.CharField(max_length=12)
    hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.prefix}…"


class StoredAnswer(models.Model):
    """What a call with an Idempotency-Key was answered; without `status` it is still being answered."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="stored_answers")
    name = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True, default="")
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "name"], name="stored_answer_once")]
        indexes = [models.Index(fields=["api_key", "created_at"], name="stored_answer_by_age")]

    def __str__(self) -> str:
        return self.name


class SignInLink(models.Model):
    """A link that signs one person in, once, until a time. Only its hash is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="sign_in_links")
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link for {self.user_id}"


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def of(self, project: Project) -> "AuditEventQuerySet":
        """The events of this project, whatever its slug was when they were written."""
        before = Q(project_pk=None, project=project.audit_slug) if project.audit_slug else Q(pk=None)
        return self.filter(Q(project_pk=project.pk) | before)


class AuditEvent(models.Model):
    """Who did what to what, each row hashed with the one before it. Triggers refuse updates and deletes."""

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=200, help_text="user:NAME, key:PREFIX or system")
    project = models.CharField(max_length=60, blank=True, default="", help_text="Slug, kept when the project goes.")
    project_pk = models.PositiveBigIntegerField(
        null=True, help_text="Id of the project, which stays when its slug changes. Null: written before events had it."
    )
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True, default="")
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "-sequence"], name="audit_by_project"),
            models.Index(fields=["project_pk", "-sequence"], name="audit_by_project_pk"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


JsonObject = dict[str, Any]
