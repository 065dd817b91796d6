"""A round of routing: what people objected to, then what each cause would ask, and the audit's share beside it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from annotation.models import Cause, Queue
from annotation.routing import audit_draw, capacity, causes, placing, registry, review_entries
from annotation.routing.capacity import Places
from annotation.routing.placing import CauseSelection
from annotation.routing.registry import Round
from annotation.signals.labelling import label_from_signals
from projects.models import Project

assert causes  # importing the package registers its modules


@dataclass(frozen=True)
class Routed:
    """What one round did: how many items it considered, how many went where, and in words."""

    considered: int
    by_cause: dict[str, int]
    strategy: str
    words: str


def route(
    project: Project,
    *,
    at: datetime,
    seed: int,
    fence: AbstractContextManager[Any] | None = None,
    places: Places | None = None,
) -> Routed:
    """One round. `places` is how many items may be put; what present people can take, where it is not given.

    `fence` is a context manager that the writes happen in (a job's commit).
    """
    audit_draw.draw_missing(project, at=at)
    audit_draw.review(project, at=at)
    label_from_signals(project, at=at)
    to_review = review_entries.send_to_review(project, at=at)
    places = capacity.places(project, at=at) if places is None else places
    round_ = Round(project, at, max(places.active, 0), np.random.default_rng(seed), seed, _strategy(project))
    chosen = _choose(round_)
    with fence or transaction.atomic():
        by_cause = placing.place(project, chosen, audit=max(places.audit, 0), at=at)
        for write in round_.when_kept:
            write()
    by_cause |= to_review
    considered = len(round_.candidates.ids) if "candidates" in vars(round_) else 0
    strategies = sorted({pick.strategy for one in chosen for pick in one.questions})
    return Routed(considered, by_cause, ", ".join(strategies) or "none", _words(places, round_, by_cause))


def _choose(round_: Round) -> list[CauseSelection]:
    """What each cause chooses of the places that those before it left."""
    left, found = round_.places, []
    for cause in registry.causes():
        most = min(left, round(cause.share * round_.places))
        if not cause.urgent and most < 1:
            continue
        picks = cause.propose(round_, most)
        one = placing.choose(round_.project, cause, picks, most=most, taken=round_.taken, at=round_.at)
        left -= len(one.questions)
        found.append(one)
    return found


def _strategy(project: Project) -> str:
    queue = Queue.objects.filter(project=project, cause=Cause.UNCERTAIN, created_by=None).first()
    return queue.strategy if queue else "auto"


def _words(places: Places, round_: Round, by_cause: dict[str, int]) -> str:
    if not places and not by_cause:
        return "Enough items wait for people already."
    return " ".join(round_.words) if by_cause else "No item waits for routing."
