"""Reliability of signals: how often is each kind, and each actor, right, as the labels of people say?

A signal is compared with the label that people gave the item, and with what was served of it then. The labelled items
are those of the live metrics, weighted by inclusion probability: items that the audit drew, whatever came back of them,
and items that were asked for a reason, which stand for themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.samples import EvaluationSample
from annotation import kinds as task_kinds
from annotation.kinds import InvalidLabel, Labels, TaskKind
from annotation.models import Signal
from annotation.signals import kinds
from annotation.signals.kinds import SignalKind
from projects.chunks import chunks
from projects.models import Project

MOST_ACTORS = 20  # of one kind, those with the most labelled items
LEAST_ITEMS = 5  # of an actor; of fewer nothing can be said


class RightShare(Struct, frozen=True):
    """The share of right signals of one kind, of one actor or of all (""). Its n is items; each counts once."""

    kind: str
    actor: str
    right: StoredEstimate


@dataclass(frozen=True)
class _Claim:
    """How right one signal about the item at a place in the sample is, 0 to 1."""

    place: int
    kind: str
    actor: str
    right: float


def right_shares(project: Project, sample: EvaluationSample) -> list[RightShare]:
    """The share of each kind that claims something and came about a labelled item, then of its actors."""
    by_kind: dict[str, list[_Claim]] = defaultdict(list)
    for claim in _claims(project, sample):
        by_kind[claim.kind].append(claim)
    found = []
    for kind in (name for name in kinds.names() if name in by_kind):
        found.append(RightShare(kind, "", _right(by_kind[kind], sample)))
        found += _of_actors(kind, by_kind[kind], sample)
    return found


def _of_actors(kind: str, claims: Iterable[_Claim], sample: EvaluationSample) -> list[RightShare]:
    by_actor: dict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        if claim.actor:
            by_actor[claim.actor].append(claim)
    items = {actor: len({claim.place for claim in given}) for actor, given in by_actor.items()}
    named = sorted((actor for actor in items if items[actor] >= LEAST_ITEMS), key=lambda actor: (-items[actor], actor))
    return [RightShare(kind, actor, _right(by_actor[actor], sample)) for actor in named[:MOST_ACTORS]]


def _right(claims: Iterable[_Claim], sample: EvaluationSample) -> StoredEstimate:
    """The weighted mean over items; several signals about one item count as their mean."""
    total, count = np.zeros(len(sample)), np.zeros(len(sample))
    for claim in claims:
        total[claim.place] += claim.right
        count[claim.place] += 1
    inside = count > 0
    score = np.divide(total, count, out=np.zeros_like(total), where=inside)
    found = weighted.score(score, sample.inclusion_probability, domain=inside, groups=sample.groups)
    return stored_estimate(found)


def _claims(project: Project, sample: EvaluationSample) -> Iterator[_Claim]:
    task, labels = task_kinds.of(project.kind), project.schema().labels
    place = {pk: at for at, pk in enumerate(sample.item_ids.tolist())}
    for chunk in chunks(list(place)):
        rows = Signal.objects.filter(item__in=chunk).values_list("item_id", "kind", "value", "actor").order_by("pk")
        for item_id, kind, value, actor in rows:
            at = place[item_id]
            right = how_right(kinds.kind_named(kind), value, sample.truths[at], float(sample.score[at]), task, labels)
            if right is not None:
                yield _Claim(at, kind, actor, right)


def how_right(
    kind: SignalKind | None, value: Any, truth: Any, answer_score: float, task: TaskKind, labels: Labels
) -> float | None:
    """How right a signal is, 0 to 1, where the label says `truth` and the answer scored so much; None: no claim.

    One with a value claims that value. Without one an objection claims that the answer is wrong, an approval that it is
    right. A request for a person claims nothing, nor does what was only done or seen.
    """
    if kind is None or kind.escalates:
        return None
    if kind.label or kind.outcome:
        try:
            return float(task.score(truth, task.validate(value, labels)))
        except InvalidLabel:  # an outcome that is none of the project's values
            return None
    if kind.objection:
        return 1 - answer_score
    return answer_score if kind.approval else None
