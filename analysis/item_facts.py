"""Conditions on items by what is known of them beside their inputs and answers: labels, queues, signals, time."""

from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, Func, OuterRef, QuerySet

from analysis import evaluation_design
from analysis.item_filters import Filters, filter_values, parse_moment
from analysis.models import Finding
from analysis.side_conditions import agreed_side_answers
from analysis.windows import window_days
from annotation import versions
from annotation.models import (
    DRAWN,
    ContractViolation,
    ItemTag,
    LabelRevision,
    NoLabelDecision,
    Prediction,
    Resolution,
    RoutedItem,
    RoutedState,
    Signal,
)
from projects.models import Project


class JsonText(Func):
    """The text of a JSON value that is one string, in the words of each database."""

    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, template="json_extract(%(expressions)s, '$')", **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, template="((%(expressions)s) #>> '{}')", **extra)


def current_resolution() -> QuerySet[Resolution]:
    """What is agreed now of an outer query's item."""
    return Resolution.objects.current().filter(item=OuterRef("pk"))


def passing_facts(items: QuerySet[Any], project: Project, filters: Filters, *, at: datetime) -> QuerySet[Any]:
    """Those of the items that pass all filters but those by answer, score, input and text."""
    items = _within_time(items, filters, at=at)
    resolution = current_resolution()
    routed = RoutedItem.objects.filter(item=OuterRef("pk"))
    if filters.cause:
        items = items.filter(Exists(routed.filter(cause=filters.cause)))
    if filters.queue:
        items = items.filter(Exists(routed.filter(queue__slug=filters.queue)))
    if filters.truth:
        items = items.filter(Exists(resolution.filter(value=filter_values(project)[filters.truth])))
    if filters.also:
        items = items.filter(Exists(resolution.filter(agreed_side_answers(project, filters.also))))
    if filters.version:
        items = items.filter(Exists(Prediction.objects.filter(versions.answers(filters.version), item=OuterRef("pk"))))
    window = evaluation_design.in_window(window_days(filters.window), at=at)
    for version in [filters.judges] * bool(filters.judges) + [evaluation_design.AS_SERVED] * bool(filters.served):
        items = items.filter(pk__in=evaluation_design.judging_items(project, version, window).values("pk"))
    if filters.segment:
        name, _, value = filters.segment.partition("=")
        items = evaluation_design.in_segment(items, name, value)
    if filters.suspected:
        items = items.filter(Exists(Finding.objects.filter(item=OuterRef("pk"), decision=Finding.Decision.OPEN)))
    if filters.commented:
        items = items.filter(Exists(LabelRevision.objects.exclude(comment="").filter(label__item=OuterRef("pk"))))
    if filters.signal or filters.actor:
        given = {name: value for name, value in (("kind", filters.signal), ("actor", filters.actor)) if value}
        items = items.filter(Exists(Signal.objects.filter(item=OuterRef("pk"), **given)))
    if filters.violation:
        items = items.filter(Exists(ContractViolation.objects.filter(item=OuterRef("pk"), input=filters.violation)))
    if filters.drawn:
        items = items.filter(DRAWN)
    for name in filters.tag:
        items = items.filter(pk__in=ItemTag.objects.filter(project=project, name=name).values("item"))
    if filters.resolved:
        has = Exists(resolution)
        items = items.filter(has if filters.resolved == "yes" else ~has)
    return _in_state(items, filters.state, resolution, routed)


def _within_time(items: QuerySet[Any], filters: Filters, *, at: datetime) -> QuerySet[Any]:
    items = items.filter(evaluation_design.in_window(window_days(filters.window), at=at))
    if filters.since:
        items = items.filter(at__gte=parse_moment("since", filters.since))
    return items.filter(at__lte=parse_moment("until", filters.until)) if filters.until else items


def _in_state(items: QuerySet[Any], state: str, resolution: Any, routed: Any) -> QuerySet[Any]:
    if state == "resolved":
        return items.filter(Exists(resolution))
    if state == "open":
        return items.filter(in_pool=True)  # what Overview counts as candidates
    if state == "no_label":
        return items.filter(Exists(NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None)))
    if state in ("waiting", "review"):
        wanted = RoutedState.OPEN if state == "waiting" else RoutedState.REVIEW
        return items.filter(Exists(routed.filter(state=wanted)))
    return items
