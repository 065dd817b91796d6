"""What happened to one item, in the order of time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from annotation.models import Item


class TimelineKind(models.TextChoices):
    """What happened."""

    CAPTURED = "captured"
    SAID = "said"
    ROUTED = "routed"
    CLOSED = "closed"
    LABELLED = "labelled"
    RESOLVED = "resolved"
    SIGNAL = "signal"
    SUSPECTED = "suspected"
    DECIDED = "decided"
    NO_LABEL = "no label fits"


@dataclass(frozen=True)
class TimelineEvent:
    """row: the fact that says more, None of a capture."""

    at: datetime
    kind: TimelineKind
    row: Any = None


def timeline(item: Item, known: Mapping[str, Any]) -> list[TimelineEvent]:
    """The events of an item, the oldest first; `known` is its `item_story.story`."""
    order = list(TimelineKind)
    return sorted(_events(item, known), key=lambda event: (event.at, order.index(event.kind)))


def _events(item: Item, known: Mapping[str, Any]) -> Iterator[TimelineEvent]:
    yield TimelineEvent(item.captured_at, TimelineKind.CAPTURED)
    for row, _ in known["predictions"]:
        yield TimelineEvent(row.at, TimelineKind.SAID, row)
    for row in known["routings"]:
        yield TimelineEvent(row.routed_at, TimelineKind.ROUTED, row)
        if row.closed_at:
            yield TimelineEvent(row.closed_at, TimelineKind.CLOSED, row)
    for label in known["labels"]:
        for revision in label.revisions.all():
            yield TimelineEvent(revision.at, TimelineKind.LABELLED, revision)
    for row in known["resolutions"]:
        yield TimelineEvent(row.resolved_at, TimelineKind.RESOLVED, row)
    for row in known["signals"]:
        yield TimelineEvent(row.at, TimelineKind.SIGNAL, row)
    for row in known["findings"]:
        yield TimelineEvent(row.found_at, TimelineKind.SUSPECTED, row)
        if row.decided_at:
            yield TimelineEvent(row.decided_at, TimelineKind.DECIDED, row)
    if known["none_fits"]:
        yield TimelineEvent(known["none_fits"].decided_at, TimelineKind.NO_LABEL, known["none_fits"])
