"""Evaluation samples: the labelled items that may judge a version, with their inclusion probabilities, as arrays.

The design is that of annotation.sampling.design.weights: an item that the active part asked stands for itself, the
audit draws stand for all others, and answered items stand for those that wait. Where a version learnt from asked
items, all that was asked until then counts as not asked, and the audit alone stands for it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, TruncDate
from numpy.typing import NDArray

from analysis.item_arrays import input_groups, score_matrix
from analysis.metrics.core.design import Design, design
from annotation import kinds, versions
from annotation.models import DRAWN, Item, Prediction, Resolution, Source
from annotation.sampling.design.weights import SelectedItems, effective_probability
from projects.chunks import chunks
from projects.models import Project

LEARNT = Q(out_of_sample=False) | Q(source=Source.OUT_OF_FOLD)  # predictions of items that their version learnt from
AS_SERVED = ""  # in place of a version: whatever answered each item when it was asked, which no later release changes


@dataclass(frozen=True)
class ClassCodes:
    """Truth and prediction (n,) as codes of the classes; probabilities (n, k), or None where one has a label only."""

    names: tuple[str, ...]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None


@dataclass(frozen=True)
class EvaluationSample:
    """n labelled items that may judge one version, in time order.

    truths, answers: values of the task kind, n each. score (n,): how right each answer is, 0 to 1, by the kind. codes:
    the same as codes of classes, None for a kind without classes. inclusion_probability (n,) in (0, 1], with the
    answered share of its part multiplied in. population: items of the window that the version scored.
    """

    version: str
    item_ids: NDArray[np.int64]
    truths: tuple[Any, ...]
    answers: tuple[Any, ...]
    score: NDArray[np.float64]
    codes: ClassCodes | None
    inclusion_probability: NDArray[np.float64]
    audit: NDArray[np.bool_]
    load_groups: Callable[[], NDArray[np.int64]]
    at: tuple[datetime, ...]
    population: int
    waiting: int

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers (n,): items with equal or near-equal inputs share one. Read when first asked for."""
        return self.load_groups()

    def design(self, part: NDArray[np.bool_] | None = None) -> Design:
        """How the items of a part (n,) were chosen, all of them where absent."""
        rows = slice(None) if part is None else part
        return design(self.inclusion_probability[rows], groups=self.groups[rows])

    @property
    def hash(self) -> str:
        """Equal content, equal hash."""
        names = self.codes.names if self.codes else ()
        values = json.dumps([self.version, names, self.population, self.waiting, self.truths, self.answers])
        parts = (self.item_ids, np.round(self.inclusion_probability, 12))
        return hashlib.sha256(values.encode() + b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True)
class _VersionAnswer:
    """What a version said of an item last."""

    value: Any
    scores: bytes | None


def live(project: Project, version: str, *, at: datetime, days: int = 0) -> EvaluationSample:
    """What judges this version, or all that was served then (AS_SERVED), over the last `days` (0 is all time)."""
    window = in_window(days, at=at)
    until, chosen = learnt_until(project, version), _design_rows(_eligible(project, version, window))
    population = _by_day(_in_design(project, version, window))  # after `chosen`: what is captured meanwhile has its day
    judging = set(judging_items(project, version, window).values_list("pk", flat=True))
    effective = _effective(chosen, judging, population, until)
    rows = [row for row in chosen if row.pk in judging]
    ids = [row.pk for row in rows]
    answers, truth = _answers(project, version, ids), _truth(project, ids)
    kind = kinds.of(project.kind)
    return EvaluationSample(
        version=version,
        item_ids=np.array(ids, dtype=np.int64),
        truths=tuple(truth[pk] for pk in ids),
        answers=tuple(answers[pk].value for pk in ids),
        score=np.array([kind.score(truth[pk], answers[pk].value) for pk in ids], dtype=np.float64),
        codes=_codes(kinds.class_names(project), [truth[pk] for pk in ids], [answers[pk] for pk in ids]),
        inclusion_probability=np.array([effective[pk] for pk in ids], dtype=np.float64),
        audit=np.array([row.is_drawn for row in rows], dtype=bool),
        load_groups=partial(input_groups, project, ids),
        at=tuple(row.at for row in rows),
        population=sum(population.values()),
        waiting=sum(row.pk not in judging for row in chosen if counts(row, until)),
    )


def pair_probabilities(
    project: Project, versions_compared: tuple[str, str], item_ids: NDArray[np.int64], *, at: datetime, days: int = 0
) -> NDArray[np.float64]:
    """(n,) effective inclusion probability of items that both versions answered; NaN = an item that does not count.

    They stand for all that the first version scored. What was asked before either learnt counts as not asked.
    """
    scored = _in_design(project, versions_compared[0], in_window(days, at=at))
    moments = [moment for tag in versions_compared if (moment := learnt_until(project, tag))]
    designed = scored.filter(DRAWN | Q(asked_at__isnull=False))
    return _of_items(designed, scored, item_ids, max(moments, default=None))


def audit_probabilities(project: Project, item_ids: Sequence[int], frozen: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) effective inclusion probability of evaluation items that stand, by their audit draw alone, for all items.

    `frozen` (n,): the probability of each draw, which stays where the design does not know the item.
    """
    designed = Item.objects.filter(project=project, audit_probability__isnull=False)
    until = Item.objects.filter(project=project, asked_at__isnull=False).aggregate(until=Max("asked_at"))["until"]
    found = _of_items(designed.filter(DRAWN), designed, np.array(item_ids, dtype=np.int64), until)
    return np.where(np.isfinite(found), found, frozen)


def _of_items(
    chosen: QuerySet[Item], population: QuerySet[Item], item_ids: NDArray[np.int64], until: datetime | None
) -> NDArray[np.float64]:
    """(n,) effective inclusion probability of these items, taken as the answered ones; NaN = it does not count."""
    if not len(item_ids):
        return np.zeros(0)
    rows = _design_rows(chosen)
    found = _effective(rows, set(item_ids.tolist()), _by_day(population), until)
    return np.array([found.get(pk, np.nan) for pk in item_ids.tolist()], dtype=np.float64)


def _design_rows(items: QuerySet[Item]) -> list[Item]:
    """In time order, with what the design knows of them."""
    columns = ("at", "audit_number", "audit_probability", "asked_at", "asked_rank")
    return list(items.only(*columns).order_by("at", "pk"))


def in_segment(items: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
    """The items whose segment has this value, "" also where it has none; the name is data, never part of a look-up."""
    found = items.annotate(part=Cast(KeyTextTransform(name, "segment"), TextField()))
    return found.filter(part=value) if value else found.filter(Q(part="") | Q(part=None))


def in_window(days: int, *, at: datetime) -> Q:
    """The condition on items of the last `days`, 0 is all time."""
    return Q(at__range=(at - timedelta(days=days), at)) if days else Q()


def judging_items(project: Project, version: str, window: Q) -> QuerySet[Item]:
    """The items that judge this version, or what was served then: reports and the lists behind their numbers use it.

    Chosen by the design, labelled by people, not learnt from; truth and answer are classes that the project has now.
    None at all where no audit draw is labelled and not all items were asked, for then nothing stands for the others.
    """
    until = learnt_until(project, version)
    asked = Q(asked_at__isnull=False) if until is None else Q(asked_at__gt=until)
    eligible = _eligible(project, version, window)
    found = eligible.filter(asked | DRAWN, Exists(_labelled(project)))
    if found.filter(DRAWN).exclude(asked).exists() or not found.exists():
        return found
    others = _in_design(project, version, window).count() - eligible.filter(asked).count()
    return found.none() if others > 0 else found


def _eligible(project: Project, version: str, window: Q) -> QuerySet[Item]:
    """Items drawn by the audit or asked by the active part that the version answered and did not learn from."""
    learnt = Prediction.objects.filter(_by(version), item=OuterRef("pk"), out_of_sample=False)
    answered = Prediction.objects.filter(_answered(version, kinds.class_names(project)), item=OuterRef("pk"))
    designed = _in_design(project, version, window).filter(DRAWN | Q(asked_at__isnull=False))
    return designed.filter(Exists(answered)).exclude(Exists(learnt.exclude(source=Source.OUT_OF_FOLD)))


def scored_items(project: Project, version: str, *, at: datetime, days: int = 0) -> QuerySet[Item]:
    """The items that the labelled ones stand for."""
    return _in_design(project, version, in_window(days, at=at))


def _in_design(project: Project, version: str, window: Q) -> QuerySet[Item]:
    """Items of the window that the version scored and that had a chance to be drawn."""
    scored = Prediction.objects.filter(_by(version), item=OuterRef("pk"))
    return Item.objects.filter(window, Exists(scored), project=project, audit_probability__isnull=False)


def _answered(version: str, names: tuple[str, ...]) -> Q:
    """The condition on predictions that this version answered with a value of the project's kind as it is now."""
    answered = _by(version) & versions.ANSWERED
    return answered & Q(label__in=names) if names else answered


def _labelled(project: Project) -> QuerySet[Resolution]:
    """What people agreed about an outer query's item, where it is a value of the project's kind now."""
    rows = Resolution.objects.current().filter(item=OuterRef("pk")).exclude(method=Resolution.Method.KNOWN)
    names = kinds.class_names(project)
    return rows.filter(value__in=names) if names else rows


def _codes(names: tuple[str, ...], truths: list[Any], answers: list[_VersionAnswer]) -> ClassCodes | None:
    if not names:
        return None
    codes = {name: code for code, name in enumerate(names)}
    return ClassCodes(
        names=names,
        truth=np.array([codes[value] for value in truths], dtype=np.int64),
        predicted=np.array([codes[answer.value] for answer in answers], dtype=np.int64),
        probabilities=score_matrix([answer.scores for answer in answers], len(names)),
    )


def counts(item: Item, until: datetime | None) -> bool:
    """Whether the design lets this item judge a version that learnt from items asked `until` then."""
    asked = item.asked_at is not None and (until is None or item.asked_at > until)
    return asked or item.is_drawn


def learnt_until(project: Project, version: str) -> datetime | None:
    """When the newest item was asked that the version learnt from; None where it learnt from none.

    Until it serves, only its out-of-fold answers tell what a version learnt from.
    """
    learnt = Prediction.objects.filter(_by(version) & LEARNT, project=project)
    found = Item.objects.filter(project=project, asked_at__isnull=False, pk__in=learnt.values("item"))
    return found.aggregate(until=Max("asked_at"))["until"]


def _effective(
    chosen: list[Item], judging: set[int], population: dict[date, int], until: datetime | None
) -> dict[int, float]:
    """Item id to effective inclusion probability, of the items that count."""
    days = {day: place for place, day in enumerate(sorted(population))}
    found = effective_probability(
        SelectedItems(
            period=np.array([days[row.at.astimezone(UTC).date()] for row in chosen], dtype=np.int64),
            probability=np.array([row.audit_probability or np.nan for row in chosen], dtype=np.float64),
            drawn=np.array([row.is_drawn for row in chosen], dtype=bool),
            asked=np.array([row.asked_at.timestamp() if row.asked_at else np.nan for row in chosen], dtype=np.float64),
            rank=np.array([row.asked_rank or 0 for row in chosen], dtype=float),
            answered=np.array([row.pk in judging for row in chosen], dtype=bool),
        ),
        np.array([population[day] for day in days], dtype=np.int64),
        learnt_until=until.timestamp() if until else None,
    )
    return {row.pk: float(share) for row, share in zip(chosen, found, strict=True) if np.isfinite(share)}


def _answers(project: Project, version: str, ids: list[int]) -> dict[int, _VersionAnswer]:
    """Item to what the version says of it, the newest answer."""
    found: dict[int, _VersionAnswer] = {}
    names = kinds.class_names(project)
    for chunk in chunks(ids):
        rows = Prediction.objects.of_items(chunk).filter(_answered(version, names)).order_by("at", "pk")
        for item_id, label, value, scores in rows.values_list("item_id", "label", "value", "scores"):
            found[item_id] = _VersionAnswer(label or value, None if scores is None else bytes(scores))
    return found


def _truth(project: Project, ids: list[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for chunk in chunks(ids):
        rows = Resolution.objects.current().filter(project=project, item__in=chunk)
        found |= dict(rows.exclude(method=Resolution.Method.KNOWN).values_list("item_id", "value"))
    return found


def _by(version: str) -> Q:
    return versions.AS_SERVED if version == AS_SERVED else Q(model_version__in=versions.stored_as(version))


def _by_day(items: QuerySet[Item]) -> dict[date, int]:
    """How many there are of each day (UTC)."""
    days = items.annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day").annotate(n=Count("pk")).order_by("day")
    return dict(days)
