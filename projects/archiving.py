"""Archived projects: what they hold can be read, and nothing in them changes until they are restored."""

from datetime import datetime

from django.db import transaction

from projects import audit, members
from projects.locks import retry_conflicts
from projects.models import Project, User
from projects.settings_versions import check_reason
from validation import InvalidInput


class ProjectArchived(InvalidInput):
    """Something was to change in an archived project; the message says so."""


def check_open(project: Project) -> None:
    """Raises ProjectArchived where the project is archived."""
    if words := project.archived_words:
        raise ProjectArchived(words)


@retry_conflicts
@transaction.atomic
def archive(project: Project, *, reason: str, by: User, at: datetime) -> bool:
    """Make the project read-only; False where it is so. Raises BadSpec for a reason that is too long."""
    reason = check_reason(reason)
    members.lock(project)
    if not Project.objects.filter(pk=project.pk, archived_at=None).update(archived_at=at):
        return False
    details = {"reason": reason} if reason else {}
    audit.record("project.archive", by=by, at=at, project=project, target=project.slug, details=details)
    return True


@retry_conflicts
@transaction.atomic
def restore(project: Project, *, by: User, at: datetime) -> bool:
    """Let people and programs change the project again; False where they may."""
    members.lock(project)
    if not Project.objects.filter(pk=project.pk, archived_at__isnull=False).update(archived_at=None):
        return False
    audit.record("project.restore", by=by, at=at, project=project, target=project.slug)
    return True
