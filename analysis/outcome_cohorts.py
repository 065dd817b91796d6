"""Outcomes by week of their predictions: how many came, how complete they are, and how many are to be expected.

The delay of an outcome runs from the prediction to the time that the caller gave the first outcome of it. A prediction
without an outcome is not taken for anything, whatever its age: silence is no label.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import Min
from msgspec import Struct

from analysis.evaluation_design import by_day
from analysis.metrics.core import weighted
from analysis.metrics.core.stored import Interval, StoredEstimate, interval, stored_estimate
from analysis.metrics.estimates.completeness import (
    CompletenessCurve,
    completeness,
    forecast,
    longest_horizon,
    mean_share,
)
from annotation import kinds as task_kinds
from annotation.kinds import InvalidLabel
from annotation.models import Item, Signal
from annotation.signals import kinds, maturity
from annotation.signals.claims import answers_as_served
from projects.chunks import chunks
from projects.models import Project

WEEKS = 26
POINTS = 40  # of the curve
DAY = 24 * 3600.0


class OutcomeCohort(Struct, frozen=True):
    """The predictions of one week from Monday (UTC): how many, mature, with an outcome; share that came; forecast."""

    start: date
    predictions: int
    mature: int
    with_outcome: int
    completeness: Interval
    forecast: Interval


class CurvePoint(Interval, frozen=True):
    """The share of outcomes that came by this age in days."""

    days: float


class OutcomesBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a report stores. horizon: days that completeness refers to, 0 where too few outcomes were seen so long.

    agrees_mature, agrees_provisional: share of predictions that were as the outcome says, of either kind alone.
    """

    cohorts: list[OutcomeCohort] = []
    outcomes: int = 0
    horizon: float = 0.0
    curve: list[CurvePoint] = []
    agrees_mature: StoredEstimate | None = None
    agrees_provisional: StoredEstimate | None = None


@dataclass(frozen=True)
class FirstOutcome:
    """When the first outcome of an item came, by its caller."""

    item_id: int
    predicted_at: datetime
    came_at: datetime

    def delay(self, at: datetime) -> float:
        """Days, between 0 and the age."""
        return min(max((self.came_at - self.predicted_at).total_seconds() / DAY, 0.0), self.age(at))

    def age(self, at: datetime) -> float:
        return max((at - self.predicted_at).total_seconds() / DAY, 0.0)


def first_week(at: datetime) -> datetime:
    """When the first week begins that is looked at."""
    return _monday((at - timedelta(weeks=WEEKS)).astimezone(UTC).date())


def first_outcomes(project: Project, *, at: datetime) -> list[FirstOutcome]:
    """Of the predictions of these weeks that have one, in order of the items."""
    rows = Signal.objects.filter(project=project, kind__in=kinds.outcomes(), item__at__range=(first_week(at), at))
    found = rows.order_by("item").values_list("item", "item__at").annotate(came=Min("at"))
    return [FirstOutcome(*row) for row in found]


def outcomes_body(project: Project, outcomes: Sequence[FirstOutcome], *, at: datetime) -> OutcomesBody:
    ages = [one.age(at) for one in outcomes]
    most = float(project.outcome_matures_after_days or 7 * WEEKS)
    horizon = longest_horizon(ages, most=most)
    curve = completeness([one.delay(at) for one in outcomes], ages, horizon=horizon)
    mature, provisional = _agreement(project, outcomes, at=at)
    points = np.linspace(0, horizon, POINTS).tolist() if horizon else []
    return OutcomesBody(
        cohorts=_cohorts(project, outcomes, curve, at=at),
        outcomes=len(outcomes),
        horizon=horizon,
        curve=[CurvePoint(one.value, one.low, one.high, days) for days in points for one in [curve.at(days)]],
        agrees_mature=mature,
        agrees_provisional=provisional,
    )


def _cohorts(
    project: Project, outcomes: Sequence[FirstOutcome], curve: CompletenessCurve, *, at: datetime
) -> list[OutcomeCohort]:
    """The newest week first; only weeks with predictions."""
    items = Item.objects.filter(project=project, at__range=(first_week(at), at))
    days = by_day(items)
    mature = by_day(items.filter(at__lte=maturity.matured_until(project, at=at)))
    came = Counter(_monday(one.predicted_at.astimezone(UTC).date()) for one in outcomes)
    found = []
    for start in sorted({_monday(day) for day in days}, reverse=True):
        mine = {day: n for day, n in days.items() if _monday(day) == start}
        middles = [datetime.combine(day, time(12), UTC) for day in mine]
        share = mean_share(curve, [max((at - one).total_seconds() / DAY, 0.0) for one in middles], list(mine.values()))
        total = sum(mine.values())
        expected = forecast(came[start], share, most=total)
        found.append(
            OutcomeCohort(
                start.date(),
                total,
                sum(mature.get(day, 0) for day in mine),
                came[start],
                interval(share),
                interval(expected),
            )
        )
    return found


def _agreement(
    project: Project, outcomes: Sequence[FirstOutcome], *, at: datetime
) -> tuple[StoredEstimate | None, StoredEstimate | None]:
    """How often what was served was as the newest outcome says, where it is mature and where it is not."""
    task, until = task_kinds.of_project(project), maturity.matured_until(project, at=at)
    labels = project.schema().labels
    times = {one.item_id: one.predicted_at for one in outcomes}
    scores: dict[bool, list[float]] = {True: [], False: []}
    for chunk in chunks([one.item_id for one in outcomes]):
        said = answers_as_served(chunk)
        values = _newest_values(chunk)
        for item_id in chunk:
            try:
                value, answer = task.counted(values[item_id], labels), task.counted(said.get(item_id), labels)
            except InvalidLabel:
                continue
            scores[times[item_id] <= until].append(float(task.score(value, answer)))
    return _mean(scores[True]), _mean(scores[False])


def _newest_values(item_ids: Sequence[int]) -> dict[int, Any]:
    rows = Signal.objects.filter(item__in=item_ids, kind__in=kinds.outcomes()).order_by("at", "pk")
    return {item_id: value for item_id, value in rows.values_list("item_id", "value") if item_id}


def _mean(scores: list[float]) -> StoredEstimate | None:
    return stored_estimate(weighted.score(scores, np.ones(len(scores)))) if scores else None


def _monday(day: date) -> datetime:
    return datetime.combine(day - timedelta(days=day.weekday()), time(), UTC)
