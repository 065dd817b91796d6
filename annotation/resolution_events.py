"""The webhook event of a resolution, written in its transaction."""

from functools import partial
from typing import Any

from annotation.models import Resolution
from jobs.models import EventType
from jobs.webhooks import outbox
from projects.models import Project


def announce(made: Resolution, project: Project) -> None:
    """Send the resolution to the endpoints of the project that want it."""
    subject, data = f"resolution {made.pk}", partial(_data, made)
    outbox.add_event(EventType.ITEM_RESOLVED, project=project, subject=subject, data=data, at=made.resolved_at)


def _data(made: Resolution) -> dict[str, Any]:
    return {
        "item": made.item.uid,
        "key": made.item.key,
        "value": made.value,
        "method": made.method,
        "quality": made.quality,
        "votes": made.votes,
        **({"also": made.also} if made.also else {}),
    }
