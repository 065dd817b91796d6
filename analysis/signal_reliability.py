"""Reliability of signals: how often is each kind, and each actor, right, as the labels of audit items say?

A signal is compared with the label that people gave the item, and with what was served of it then. Only items that the
audit drew count, each weighted by one over the probability of its draw: who labelled them saw no signal, and nothing
that came back had a part in the draw. An outcome counts once it is mature.

The rates of actors are shrunk to what the actors of their kind have in common (`shrunk_rates`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, finite, stored_estimate
from analysis.metrics.estimates.shrunk_rates import CredibleRate, shrunk_rates
from analysis.samples import EvaluationSample
from annotation import kinds as task_kinds
from annotation.kinds import InvalidLabel, Labels, TaskKind
from annotation.models import Signal
from annotation.signals import kinds, maturity
from annotation.signals.kinds import SignalKind
from annotation.signals.reliability import ReliabilityBody, SignalRate
from projects.chunks import chunks
from projects.models import Project

MOST_STORED = 1000  # actors of one kind whose rates are kept


class RightShare(Struct, frozen=True):
    """The share of right signals of one kind. Its n is audit items; each counts once."""

    kind: str
    right: StoredEstimate


@dataclass(frozen=True)
class JudgedSignal:
    """How right one signal about the item at a place in the sample is, 0 to 1."""

    place: int
    kind: str
    actor: str
    right: float


def right_shares(judged: Iterable[JudgedSignal], sample: EvaluationSample) -> list[RightShare]:
    """The share of each kind that claims something and came about a labelled audit item."""
    by_kind = _by_kind(judged)
    return [RightShare(name, _right(by_kind[name], sample)) for name in kinds.names() if name in by_kind]


def reliability(judged: Iterable[JudgedSignal], sample: EvaluationSample) -> ReliabilityBody:
    """The rates of kinds and of their actors, those with the most audit items; signals without a name as one actor."""
    by_kind, of_kinds, of_actors, unseen = _by_kind(judged), [], list[SignalRate](), []
    for name in (name for name in kinds.names() if name in by_kind):
        right = _right(by_kind[name], sample)
        of_kinds.append(SignalRate(name, "", right.value, right.low, right.high, right.n))
        found = _actors(by_kind[name], sample)
        trials = np.array([one.effective_n or 0.0 for one in found.values()])
        rates = shrunk_rates(np.array([one.value or 0.0 for one in found.values()]) * trials, trials)
        pairs = zip(found.items(), rates.groups, strict=True)
        of_actors += [_rate(name, actor, rate, one.n) for (actor, one), rate in pairs]
        unseen.append(_rate(name, "", rates.unseen, 0))
    return ReliabilityBody(of_kinds, of_actors, unseen)


def _rate(kind: str, actor: str, rate: CredibleRate, n: int) -> SignalRate:
    return SignalRate(kind, actor, finite(rate.value), finite(rate.low), finite(rate.high), n)


def _actors(judged: Iterable[JudgedSignal], sample: EvaluationSample) -> dict[str, StoredEstimate]:
    by_actor: dict[str, list[JudgedSignal]] = defaultdict(list)
    for one in judged:
        by_actor[one.actor].append(one)
    most = sorted(by_actor, key=lambda actor: (-len({one.place for one in by_actor[actor]}), actor))[:MOST_STORED]
    return {actor: _right(by_actor[actor], sample) for actor in most}


def _right(judged: Iterable[JudgedSignal], sample: EvaluationSample) -> StoredEstimate:
    """The weighted mean over audit items; several signals about one item count as their mean."""
    total, count = np.zeros(len(sample)), np.zeros(len(sample))
    for one in judged:
        total[one.place] += one.right
        count[one.place] += 1
    drawn = sample.audit
    inside = (count > 0)[drawn]
    score = np.divide(total[drawn], count[drawn], out=np.zeros(int(drawn.sum())), where=inside)
    found = weighted.score(score, sample.audit_probability[drawn], domain=inside, groups=sample.groups[drawn])
    return stored_estimate(found)


def _by_kind(judged: Iterable[JudgedSignal]) -> dict[str, list[JudgedSignal]]:
    by_kind: dict[str, list[JudgedSignal]] = defaultdict(list)
    for one in judged:
        by_kind[one.kind].append(one)
    return by_kind


def judged_signals(project: Project, sample: EvaluationSample, *, at: datetime) -> list[JudgedSignal]:
    """The signals about labelled audit items of the sample that claim something."""
    return list(_judged(project, sample, at))


def _judged(project: Project, sample: EvaluationSample, at: datetime) -> Iterator[JudgedSignal]:
    task, labels = task_kinds.of_project(project), project.schema().labels
    place = {pk: where for where, pk in enumerate(sample.item_ids.tolist()) if sample.audit[where]}
    for chunk in chunks(list(place)):
        rows = Signal.objects.filter(maturity.counts(project, at=at), item__in=chunk).order_by("pk")
        for item_id, kind, value, actor in rows.values_list("item_id", "kind", "value", "actor"):
            where = place[item_id]
            score = float(sample.score[where])
            right = how_right(kinds.kind_named(kind), value, sample.truths[where], score, task, labels)
            if right is not None:
                yield JudgedSignal(where, kind, actor, right)


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
            return float(task.score(truth, task.counted(value, labels)))
        except InvalidLabel:  # an outcome that is none of the project's values
            return None
    if kind.objection:
        return 1 - answer_score
    return answer_score if kind.approval else None
