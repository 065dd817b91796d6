"""Settings of one queue: how it is filled, in which order it is asked, and by how many people; changes as versions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.models import Cause, Queue
from projects import members
from projects.locks import retry_conflicts
from projects.models import SettingsVersion, User
from projects.settings_versions import check_base, check_reason, record_version, versions_of
from validation import InvalidInput

COLUMNS = ("title", "strategy", "order", "daily_budget", "overlap", "weight", "sla_hours")


class QueueSettingsRefused(InvalidInput):
    """Values that a queue cannot have; the message is for a user."""


def area_of(queue: Queue) -> str:
    """The name of its settings among the versions of the project's settings."""
    return f"queue:{queue.slug}"


def settings_of(queue: Queue) -> dict[str, Any]:
    """Column to what is in force."""
    return {name: getattr(queue, name) for name in COLUMNS}


def check_settings(queue: Queue, proposed: Mapping[str, Any]) -> None:
    """Raises QueueSettingsRefused where the queue could not have these values, or they would have no effect."""
    changed = Queue(pk=queue.pk, project_id=queue.project_id, slug=queue.slug, cause=queue.cause)
    changed.created_by_id, changed.created_at = queue.created_by_id, queue.created_at
    for name, value in proposed.items():
        setattr(changed, name, value)
    if queue.cause == Cause.DISPUTED and changed.overlap != 1:
        raise QueueSettingsRefused("A dispute has its votes already; one more person is asked at a time.")
    try:
        changed.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as why:
        raise QueueSettingsRefused(" ".join(why.messages)) from None


@retry_conflicts
@transaction.atomic
def change_settings(
    queue: Queue, proposed: Mapping[str, Any], *, base: str, reason: str, by: User, at: datetime
) -> SettingsVersion | None:
    """Put these values in force for what comes into the queue from now on; None where they are in force already.

    What waits in it keeps its place and its number of people. Raises StaleSettings and QueueSettingsRefused.
    """
    reason = check_reason(reason)
    members.lock(queue.project)
    now = Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)
    before, after = settings_of(now), dict(proposed)
    if before == after:
        return None
    last = versions_of(queue.project, area_of(queue)).first()
    check_base(before, base, last, f"the settings of {now.title}")
    check_settings(now, after)
    made = record_version(queue.project, area_of(queue), before, after, reason=reason, by=by, at=at)
    Queue.objects.filter(pk=queue.pk).update(**after)
    return made
