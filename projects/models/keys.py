"""Keys of services with their stored answers, and links that sign people in."""

from django.db import models

from projects.models.people import Can, Role, User
from projects.models.project import Project


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
