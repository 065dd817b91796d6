"""The webhook event of a resolution, written in its transaction."""

from annotation.models import Item, Resolution
from jobs.models import EventType
from jobs.webhooks import outbox
from projects.models import Project


def announce(made: Resolution, item: Item, project: Project) -> None:
    """Send the resolution to the endpoints of the project that want it."""
    data = {
        "item": item.uid,
        "key": item.key,
        "value": made.value,
        "method": made.method,
        "quality": made.quality,
        "votes": made.votes,
    }
    subject = f"resolution {made.pk}"
    outbox.add_event(EventType.ITEM_RESOLVED, project=project, subject=subject, data=data, at=made.resolved_at)
