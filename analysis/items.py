"""The items that a view of the explorer shows, the same for the page and the API."""

from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    When,
)
from django.db.models.functions import Cast, Length

from analysis import evaluation_design
from analysis.item_filters import REVEALING, Filters, filter_values, parse_moment
from analysis.models import Finding
from analysis.windows import window_days
from annotation import blinding, kinds, search, versions
from annotation.models import (
    ContractViolation,
    Item,
    LabelRevision,
    NoLabelDecision,
    Prediction,
    Resolution,
    RoutedItem,
    RoutedState,
    Signal,
)
from projects import paging
from projects.chunks import within_size
from projects.models import Project, User

PAGE = 30
PAGE_BY = ("at", "pk")
MOST_COUNTED = 10_001  # counting stops there: nobody reads the exact number of a million
PAGE_CHARACTERS = 4_000_000  # of the inputs of one page


class JsonText(Func):
    """The text of a JSON value that is one string, in the words of each database."""

    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, template="json_extract(%(expressions)s, '$')", **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, template="((%(expressions)s) #>> '{}')", **extra)


def select(project: Project, filters: Filters, *, at: datetime, viewer: User | None = None) -> QuerySet[Item]:
    """The items of the view, with `says`, `score`, `truth` and `cause` beside each, newest first.

    `says` and `truth` are labels where the kind of task has classes, else JSON values. Where `viewer` may not see what
    was said of an item, nothing of it stands beside it, `blind` is true, and filters by it leave the item out (see
    `count_left_out`).
    """
    found = _annotated(project, filters, viewer)
    if any(getattr(filters, name) for name in REVEALING):
        found = found.filter(blind=False)
    return _filtered(found, project, filters, at=at).order_by("-at", "-pk")


def count_left_out(project: Project, filters: Filters, *, at: datetime, viewer: User | None) -> int:
    """How many items the view leaves out because this person is blind to them, at most MOST_COUNTED."""
    if not any(getattr(filters, name) for name in REVEALING) or not blinding.blind_items(project, viewer).exists():
        return 0
    every = _filtered(_annotated(project, filters, None), project, filters, at=at)
    hidden = every.filter(pk__in=blinding.blind_items(project, viewer).values("pk"))
    return hidden.values("pk")[:MOST_COUNTED].count()


def _annotated(project: Project, filters: Filters, viewer: User | None) -> QuerySet[Any]:
    resolution = Resolution.objects.current().filter(item=OuterRef("pk"))
    routed = RoutedItem.objects.filter(item=OuterRef("pk")).order_by("-routed_at", "-pk")
    by_version = filters.judges or filters.version
    wanted = said_when_asked() if filters.served else predictions_of(project, by_version)
    truth, says = (Subquery(rows.values("value")[:1], output_field=JSONField()) for rows in (resolution, wanted))
    has_classes = bool(kinds.class_names(project))
    return Item.objects.filter(project=project).annotate(
        blind=blinding.is_blind(project, viewer),
        says=_unless_blind(Subquery(wanted.values("label")[:1]) if has_classes else says),
        says_text=_unless_blind(Subquery(wanted.values("label")[:1]) if has_classes else JsonText(says)),
        score=_unless_blind(Subquery(wanted.values("confidence")[:1])),
        by_version=_unless_blind(Subquery(wanted.values("model_version")[:1])),
        truth=_unless_blind(JsonText(truth) if has_classes else truth),
        truth_text=_unless_blind(JsonText(truth)),
        cause=_unless_blind(Subquery(routed.values("cause")[:1], output_field=CharField())),
    )


def _unless_blind(value: Any) -> Case:
    return Case(When(blind=True, then=None), default=value)


def said_when_asked() -> QuerySet[Prediction]:
    """The answers that were served for an outer item when it was asked, the newest first."""
    return Prediction.objects.filter(versions.AS_SERVED, item=OuterRef("pk")).order_by("-at", "-pk")


def predictions_of(project: Project, version: str = "") -> QuerySet[Prediction]:
    """The answers to an outer item, the one to show first: the newest of this version.

    Without a version it is the answer of what serves, which a release or a roll back changes; where that has not
    answered, what was served then, and last what another version said of it later.
    """
    if version:
        return Prediction.objects.filter(versions.answers(version), item=OuterRef("pk")).order_by("-at", "-pk")
    answered = Prediction.objects.filter(versions.ANSWERED, item=OuterRef("pk"))
    rank = Case(When(versions.answers(versions.serving(project)), then=0), When(versions.AS_SERVED, then=1), default=2)
    return answered.order_by(rank, "-at", "-pk")


def _filtered(items: QuerySet[Any], project: Project, filters: Filters, *, at: datetime) -> QuerySet[Any]:
    items = _within_time(items, filters, at=at)
    resolution = Resolution.objects.current().filter(item=OuterRef("pk"))
    routed = RoutedItem.objects.filter(item=OuterRef("pk"))
    if filters.cause:
        items = items.filter(Exists(routed.filter(cause=filters.cause)))
    if filters.queue:
        items = items.filter(Exists(routed.filter(queue__slug=filters.queue)))
    if filters.truth:
        items = items.filter(Exists(resolution.filter(value=filter_values(project)[filters.truth])))
    if filters.says:
        items = items.filter(says=filter_values(project)[filters.says])
    if filters.disagree:
        items = items.filter(says_text__isnull=False, truth_text__isnull=False).exclude(truth_text=F("says_text"))
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
    if filters.resolved:
        has = Exists(resolution)
        items = items.filter(has if filters.resolved == "yes" else ~has)
    if filters.q:
        items = items.filter(search.matches(project, filters.q))
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


def page(items: QuerySet[Item], *, after: str = "", size: int = PAGE) -> tuple[list[Item], str]:
    """One page in time order and the cursor of the next, "" at the end. Raises BadCursor.

    A page ends before `size` where its inputs would be more than PAGE_CHARACTERS; it has one item at least.
    """
    items = paging.behind(items, by=PAGE_BY, after=after)
    long = Length(Cast("inputs", TextField()))
    found: list[Any] = list(items.defer("inputs").annotate(input_characters=long)[: size + 1])
    rows = within_size(found[:size], size=attrgetter("input_characters"), most=PAGE_CHARACTERS)
    inputs = dict(Item.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "inputs"))
    for row in rows:
        row.inputs = inputs[row.pk]
    return rows, paging.cursor_of(rows[-1], by=PAGE_BY) if len(found) > len(rows) else ""
