"""Ask people: for what would decide a verdict, or about the items behind a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from annotation import queues, routing
from annotation.models import Cause, Queue
from annotation.queues import Entry, Put
from projects import audit
from projects.models import User
from retraining.models import ModelVersion


class NothingToDraw(ValueError):
    """No unlabelled item is left that could be drawn."""


@dataclass(frozen=True)
class Asked:
    """A queue made of a selection, and what was put into it."""

    queue: Queue
    put: Put


def for_more(version: ModelVersion, *, count: int, by: User, at: datetime) -> Put:
    """Put `count` items, drawn uniformly from those that nobody has labelled or been asked about, into the audit queue.

    They are measured with and never trained on. They do not represent the stream in live metrics, whose own draws
    stand for these items already; a comparison of versions weighs them by the chance of this draw.
    """
    project = version.project
    waiting = list(routing.candidates(project).order_by("pk").values_list("pk", flat=True))
    if not waiting:
        raise NothingToDraw("No unlabelled item is left to draw from; capture more predictions first.")
    drawn = _draw(waiting, count, seed=version.pk)
    chance = len(drawn) / len(waiting)
    entries = [
        Entry(
            item_id=item_id,
            reason=f"drawn uniformly to judge {version}, probability {chance:.3f}",
            numbers={},
            inclusion_probability=chance,
            audit_probability=chance,
            priority=1 - place / len(drawn),
            represents=False,
            evaluation=True,
            strategy="uniform",
        )
        for place, item_id in enumerate(drawn)
    ]
    put = queues.put(queues.ensure(project, Cause.AUDIT, at=at), entries, at=at)
    details = {"version": version.tag, "asked": count, "put": put.created}
    audit.record("queue.ask", by=by, at=at, project=project, target="audit", details=details)
    return put


def again(version: ModelVersion, *, item_ids: Sequence[int], words: str, by: User, at: datetime) -> Asked:
    """Let people look once more at items of a comparison. Nothing is drawn here, so they represent nothing else."""
    title = f"{version} against {version.verdict.get('against', 'the baseline')}: {words}"
    queue = queues.create(version.project, title=title, cause=Cause.SUSPECTED, by=by, at=at)
    entries = [
        Entry(
            item_id=item_id,
            reason=f"{words} by {version}",
            numbers={},
            inclusion_probability=1.0,
            priority=1 - place / len(item_ids),
            represents=False,
            strategy="selection",
        )
        for place, item_id in enumerate(item_ids)
    ]
    return Asked(queue, queues.put(queue, entries, at=at))


def _draw(waiting: list[int], count: int, *, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    return [int(pk) for pk in rng.choice(waiting, size=min(count, len(waiting)), replace=False)]
