"""What happened to the serving model and when, read from the audit trail: analysis may not import retraining."""

from dataclasses import dataclass
from datetime import datetime

from projects.models import AuditEvent, Project

ACTS = {"release.promote": "promoted", "release.roll_back": "rolled back to"}


@dataclass(frozen=True)
class ReleaseEvent:
    """One release: the version that it made the serving one, and when."""

    version: str
    act: str
    at: datetime


def list_releases(project: Project) -> list[ReleaseEvent]:
    """All releases, oldest first."""
    events = AuditEvent.objects.of(project).filter(action__in=ACTS).order_by("sequence")
    return [ReleaseEvent(str(event.details.get("version", "")), ACTS[event.action], event.at) for event in events]
