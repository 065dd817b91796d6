"""What every release keeps: its row, its audit event and the event for webhooks, in the transaction of the act."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.models import EventType
from jobs.webhooks import outbox
from projects import audit
from projects.models import ApiKey, Project
from retraining.models import ModelVersion, Release, ReleaseKind
from validation import InvalidInput

LONGEST_REASON = 500


class CannotRelease(InvalidInput):
    """This release cannot be made; the message says why, in words fit for a user."""


class Stale(CannotRelease):
    """What is live is no longer what the person saw when they decided."""


@dataclass(frozen=True)
class Target:
    """What a release puts in force or replaces: a version trained here, or anything else by its tag; "" for nothing."""

    version: ModelVersion | None = None
    name: str = ""

    @property
    def tag(self) -> str:
        return self.version.tag if self.version else self.name


@dataclass(frozen=True)
class ReleaseAct:
    """Who releases, when and why."""

    by: audit.Actor
    reason: str
    at: datetime
    automatic: bool = False
    verdict: dict[str, Any] = field(default_factory=dict)


def valid_reason(given: str) -> str:
    """Raises CannotRelease."""
    reason = given.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise CannotRelease(f"Say why, in 1 to {LONGEST_REASON} characters; it stays in the audit trail.")
    return reason


def lock_project(project_id: int) -> Project:
    """The project under a lock, so that two releases at once happen one after the other."""
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


def record_release(
    project: Project,
    kind: ReleaseKind,
    act: Release.Act,
    *,
    now: Target,
    before: Target,
    made: ReleaseAct,
    event: EventType | None = None,
    more: dict[str, Any] | None = None,
) -> Release:
    """Write down one release. Runs in its transaction."""
    release = Release.objects.create(
        project=project,
        kind=kind,
        act=act,
        version=now.version,
        name="" if now.version else now.name,
        previous=before.version,
        previous_name="" if before.version else before.name,
        by=made.by.user if isinstance(made.by, ApiKey) else made.by,
        automatic=made.automatic,
        reason=made.reason,
        verdict=made.verdict,
        at=made.at,
    )
    details = {
        "version": now.tag,
        "previous": before.tag,
        "automatic": made.automatic,
        "reason": made.reason,
        **(more or {}),
    }
    action = f"release.{act}" if kind == ReleaseKind.MODEL else f"{kind}.{act}"
    audit.record(action, by=made.by, at=made.at, project=project, target=now.tag or before.tag, details=details)
    if event:
        outbox.add_event(event, project=project, subject=f"release {release.pk}", data=details, at=made.at)
    return release
