"""The audit trail."""

from django.db import models
from django.db.models import Q

from projects.models.project import Project


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
