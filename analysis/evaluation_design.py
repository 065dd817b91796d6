"""The design of live metrics: which labelled items judge a version, and what they stand for.

It is that of annotation.sampling.design.weights: an item that the active part asked stands for itself, the audit draws
stand for all others, and answered items stand for those that wait. A version is judged over the items that it scored.
One that was judged on evaluation items, and has not scored their day's traffic, is judged over all that was captured
until the newest of them: what it never scored waits for its answer.

Items that were asked stand for themselves only where the version answered them whatever the audit drew. What was asked
until the newest item that it learnt from, or that it was never asked about, counts as not asked: the audit alone stands
for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from annotation import kinds, versions
from annotation.models import DRAWN, Item, Prediction, Resolution, SegmentText, Source
from annotation.sampling.design.weights import SelectedItems, effective_probability
from projects.chunks import chunks
from projects.models import Project

ASKED = Q(asked_at__isnull=False)
LEARNT = Q(out_of_sample=False) | Q(source=Source.OUT_OF_FOLD)  # predictions of items that their version learnt from
AS_SERVED = ""  # in place of a version: whatever answered each item when it was asked, which no later release changes


@dataclass(frozen=True)
class EvaluationDesign:
    """What judges a version, or what was served (AS_SERVED), in a window.

    until: what was asked at that time or before counts as not asked. newest: id of the newest item that the version was
    asked about afterwards; 0 where it answered only what it was given.
    """

    project: Project
    version: str
    window: Q
    newest: int
    until: datetime | None

    def population(self) -> QuerySet[Item]:
        """The items that the labelled ones stand for: those that had a chance to be drawn."""
        return _in_design(self.project).filter(self.window, self.represented())

    def represented(self) -> Q:
        """The condition on items that the version is judged over."""
        scored = Q(Exists(_scored(self.version)))
        return scored | Q(pk__lte=self.newest) if self.newest else scored

    def eligible(self) -> QuerySet[Item]:
        """Those drawn by the audit or asked by the active part that the version answered and did not learn from."""
        return self.population().filter(DRAWN | ASKED, self._answered())

    def chosen(self) -> QuerySet[Item]:
        """The same with those that the version never scored, which wait for its answer."""
        return self.population().filter(DRAWN | ASKED, self._answered() | ~Exists(_scored(self.version)))

    def judging(self) -> QuerySet[Item]:
        """Those of `eligible` with a label that judge the version: of reports, and of the lists behind their numbers.

        Truth and answer are classes that the project has now. None at all where no audit draw is labelled and not all
        items were asked, for then nothing stands for the others.
        """
        asked = ASKED if self.until is None else Q(asked_at__gt=self.until)
        eligible = self.eligible()
        found = eligible.filter(asked | DRAWN, Exists(_labelled(self.project)))
        if found.filter(DRAWN).exclude(asked).exists() or not found.exists():
            return found
        others = self.population().count() - eligible.filter(asked).count()
        return found.none() if others > 0 else found

    def _answered(self) -> Q:
        learnt = Prediction.objects.filter(_by(self.version), item=OuterRef("pk"), out_of_sample=False)
        answered = Prediction.objects.filter(
            answered_by(self.version, kinds.class_names(self.project)), item=OuterRef("pk")
        )
        return Q(Exists(answered)) & ~Q(Exists(learnt.exclude(source=Source.OUT_OF_FOLD)))


def design_of(project: Project, version: str, window: Q) -> EvaluationDesign:
    newest = _newest_scored_again(project, version)
    moments = (learnt_until(project, version), _asked_unscored(project, version, newest))
    return EvaluationDesign(project, version, window, newest, latest(moments))


def judging_items(project: Project, version: str, window: Q) -> QuerySet[Item]:
    """The items that judge this version, or what was served then: reports and the lists behind their numbers use it."""
    return design_of(project, version, window).judging()


def represented_items(project: Project, version: str, *, at: datetime, days: int = 0) -> QuerySet[Item]:
    """The items that the labelled ones stand for."""
    return design_of(project, version, in_window(days, at=at)).population()


def pair_probabilities(
    project: Project, item_ids: Sequence[int], *, among: Q, answered: set[int], learnt: datetime | None
) -> NDArray[np.float64]:
    """(n,) effective inclusion probability of labelled items that two versions answered; NaN = it does not count.

    They stand for the items of the condition `among` that were captured from the first to the last of them. `answered`:
    ids of the items that both scored, labelled or not. What was asked until `learnt`, or until the newest item that one
    of them never scored, counts as not asked. The gate and Compare weigh by it.
    """
    pairs = set(item_ids)
    designed = _in_design(project).filter(among)
    rows = design_rows(designed.filter(DRAWN | ASKED))
    times = [row.at for row in rows if row.pk in pairs]
    if not times:
        return np.full(len(item_ids), np.nan)
    rows = [row for row in rows if times[0] <= row.at <= times[-1]]
    until = latest([learnt, _asked_unanswered(rows, answered)])
    population = by_day(designed.filter(at__range=(times[0], times[-1])))
    found = effective_probabilities(rows, pairs, population, until)
    return np.array([found.get(pk, np.nan) for pk in item_ids], dtype=np.float64)


def captured_until(item_ids: Sequence[int]) -> Q:
    """The condition on items that were captured before the newest of these, and on itself."""
    return Q(pk__lte=max(item_ids, default=0))


def scored_by_all(project: Project, versions_compared: Iterable[str]) -> set[int]:
    """Ids of the drawn and asked items that each of these versions scored and that it did not learn from."""
    found = Item.objects.filter(DRAWN | ASKED, project=project)
    for version in versions_compared:
        found = found.filter(Exists(_scored(version).filter(out_of_sample=True)))
    return set(found.values_list("pk", flat=True))


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def newest_asked(item_ids: Sequence[int]) -> datetime | None:
    """When the newest of these items was asked; None where none was."""
    found = (
        Item.objects.filter(pk__in=chunk).aggregate(newest=Max("asked_at"))["newest"] for chunk in chunks(item_ids)
    )
    return latest(found)


def learnt_until(project: Project, version: str) -> datetime | None:
    """When the newest item was asked that the version learnt from; None where it learnt from none.

    Until it serves, only its out-of-fold answers say what a version learnt from.
    """
    learnt = Prediction.objects.filter(_by(version) & LEARNT, project=project)
    found = Item.objects.filter(ASKED, project=project, pk__in=learnt.values("item"))
    return found.aggregate(until=Max("asked_at"))["until"]


def counts(item: Item, until: datetime | None) -> bool:
    """Whether the design lets this item judge a version, where what was asked `until` then counts as not asked."""
    asked = item.asked_at is not None and (until is None or item.asked_at > until)
    return asked or item.is_drawn


def in_segment(items: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
    """The items whose segment has this value, "" also where it has none; the name is data, never part of a look-up."""
    found = items.annotate(part=SegmentText("segment", name))
    return found.filter(part=value) if value else found.filter(Q(part="") | Q(part=None))


def in_window(days: int, *, at: datetime) -> Q:
    """The condition on items of the last `days`, 0 is all time."""
    return Q(at__range=(at - timedelta(days=days), at)) if days else Q()


def answered_by(version: str, names: tuple[str, ...]) -> Q:
    """The condition on predictions that this version answered with a value of the project's kind as it is now."""
    answered = _by(version) & versions.ANSWERED
    return answered & Q(label__in=names) if names else answered


def design_rows(items: QuerySet[Item]) -> list[Item]:
    """In time order, with what the design knows of them."""
    columns = ("at", "audit_number", "audit_probability", "asked_at", "asked_rank")
    return list(items.only(*columns).order_by("at", "pk"))


def by_day(items: QuerySet[Item]) -> dict[date, int]:
    """How many there are of each day (UTC)."""
    days = items.annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day").annotate(n=Count("pk")).order_by("day")
    return dict(days)


def effective_probabilities(
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


def _asked_unanswered(rows: list[Item], answered: set[int]) -> datetime | None:
    """When the newest item was asked that is not `answered`; where only drawn ones are, when the newest was asked."""
    until = latest(row.asked_at for row in rows if row.pk not in answered)
    later = [row for row in rows if row.asked_at and (until is None or row.asked_at > until)]
    whatever_drawn = any(not row.is_drawn for row in later)
    return until if whatever_drawn else latest(row.asked_at for row in rows)


def _in_design(project: Project) -> QuerySet[Item]:
    """The items that had a chance to be drawn."""
    return Item.objects.filter(project=project, audit_probability__isnull=False)


def _newest_scored_again(project: Project, version: str) -> int:
    """Id of the newest drawn item that the version was asked about after its capture; 0 where there is none.

    Of the drawn ones, because a judgement asks about no others: they are few, and have an index.
    """
    again = Prediction.objects.filter(_by(version), item=OuterRef("pk"), source=Source.RESCORED)
    if version == AS_SERVED:
        return 0
    return Item.objects.drawn().filter(Exists(again), project=project).aggregate(newest=Max("pk"))["newest"] or 0


def _asked_unscored(project: Project, version: str, newest: int) -> datetime | None:
    """When the newest item until `newest` was asked that the version never scored, as `_asked_unanswered` has it."""
    if not newest:
        return None
    asked, scored = Item.objects.filter(ASKED, project=project, pk__lte=newest), Exists(_scored(version))
    until = asked.filter(~scored).aggregate(until=Max("asked_at"))["until"]
    later = asked.exclude(DRAWN).filter(scored)
    whatever_drawn = (later.filter(asked_at__gt=until) if until else later).exists()
    return until if whatever_drawn else asked.aggregate(until=Max("asked_at"))["until"]


def _scored(version: str) -> QuerySet[Prediction]:
    """What the version said of an outer query's item, but out of fold while it was trained."""
    return Prediction.objects.filter(_by(version), item=OuterRef("pk")).exclude(source=Source.OUT_OF_FOLD)


def _labelled(project: Project) -> QuerySet[Resolution]:
    """What people agreed about an outer query's item, where it is a value of the project's kind now."""
    rows = Resolution.objects.current().by_people().filter(item=OuterRef("pk"))
    names = kinds.class_names(project)
    return rows.filter(value__in=names) if names else rows


def _by(version: str) -> Q:
    return versions.AS_SERVED if version == AS_SERVED else Q(model_version__in=versions.stored_as(version))
