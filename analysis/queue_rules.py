"""Rules that fill queues: which items, by the explorer's filters, how many of them, and what each time became of them.

A rule looks at what was captured since it was made (or, for a backfill, since a moment that a person names), however
late a fact about it comes. A dry run asks the same query about the last week (`find_matches`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from analysis.item_filters import Filters, parse_address
from analysis.items import ItemSelection
from analysis.models import QueueRule, QueueRuleAction
from annotation import queues
from annotation.models import (
    ASKED_AT_ONCE,
    EVALUATION_CAUSES,
    LONGEST_REASON,
    Cause,
    Item,
    Label,
    LabelState,
    NoLabelDecision,
    Order,
    Queue,
    Resolution,
    RoutedItem,
    RoutedState,
)
from projects import audit, members
from projects.locks import retry_conflicts
from projects.models import Project, User
from projects.settings_versions import record_version
from validation import InvalidInput

CAUSES = tuple(cause for cause in Cause if cause not in (Cause.AUDIT, Cause.TYPICAL, Cause.DISPUTED, Cause.COMMENTED))
"""What a rule may ask for. The audit is drawn at capture, and a dispute comes of votes."""

ABOUT_LABELS = (*ASKED_AT_ONCE, Cause.SUSPECTED, Cause.GOLD)
"""Causes that ask about items which have a label already."""

A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
LONGEST_LOOK = timedelta(days=30)
MOST = 10_000  # matching items that one look takes
SHOWN = 10
SECONDS_AN_ANSWER = 20.0  # until people have answered some
FEWEST_TIMED = 20


class BadRule(InvalidInput):
    """A rule that cannot be; the message is for a user."""


@dataclass(frozen=True)
class RuleSettings:
    """What a rule asks for.

    query    the explorer's filters, as in the address of a view
    rate     share of the matching items that is asked, from 0 (none) to 1 (all): the same items whenever one looks
    budget   items that it asks in 24 hours at most; None = no limit
    """

    title: str
    cause: str
    query: str
    rate: float = 1.0
    budget: int | None = None
    overlap: int = 1
    sla_hours: float | None = None
    order: str = Order.PRIORITY


@dataclass(frozen=True)
class Matches:
    """What a rule finds in a span of time: ids of what it would ask, the newest first, and how many it leaves out."""

    matched: int
    asked: list[int]
    not_drawn: int
    waiting: int
    labelled: int


@dataclass(frozen=True)
class RuleTrial:
    """What a rule would have asked in the last week, the hours that people would have taken, and a few of the items.

    `over_budget` are those that the budget of its seven days would have left out.
    """

    matches: Matches
    put: int
    over_budget: int
    hours: float
    seconds_an_answer: float
    timed: int
    items: list[Item]


def parse_query(project: Project, query: str) -> Filters:
    """The filters of a rule. Raises BadFilter, and BadRule where there is none."""
    filters = parse_address(query, project)
    if not filters.active():
        raise BadRule("Choose at least one filter: a rule without one would ask about everything.")
    if filters.similar:
        raise BadRule("A rule cannot filter by similar items: they are compared with the newest alone.")
    return filters


def find_matches(
    project: Project, wanted: RuleSettings, *, since: datetime, at: datetime, queue: Queue | None = None
) -> Matches:
    """What the rule finds among the items captured after `since`, but for those that its queue has had."""
    found = ItemSelection(project, parse_query(project, wanted.query), at).matching()
    found = found.filter(captured_at__gt=since, captured_at__lte=at)
    if queue is not None:
        found = found.exclude(Exists(RoutedItem.objects.filter(queue=queue, item=OuterRef("pk"))))
    agreed = Exists(Resolution.objects.current().filter(item=OuterRef("pk")))
    none_fits = Exists(NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None))
    waits = RoutedItem.objects.filter(item=OuterRef("pk"), state__in=[RoutedState.OPEN, RoutedState.REVIEW])
    rows = found.annotate(waits=Exists(waits), labelled=agreed | none_fits).order_by("-captured_at", "-pk")
    known = list(rows.values_list("pk", "sample_number", "waits", "labelled")[:MOST])
    drawn = [row for row in known if wanted.rate >= 1 or (row[1] is not None and row[1] < wanted.rate)]
    free = [row for row in drawn if not row[2]]
    asked = [row[0] for row in free if not row[3] or wanted.cause in ABOUT_LABELS]
    return Matches(len(known), asked, len(known) - len(drawn), len(drawn) - len(free), len(free) - len(asked))


def dry_run(project: Project, wanted: RuleSettings, *, at: datetime) -> RuleTrial:
    """What the rule would have asked in the last seven days. Raises BadFilter and BadRule."""
    check_settings(project, wanted)
    matches = find_matches(project, wanted, since=at - A_WEEK, at=at)
    most = len(matches.asked) if wanted.budget is None else A_WEEK.days * wanted.budget
    put = min(len(matches.asked), most)
    seconds, timed = seconds_an_answer(project, at=at)
    by_id = Item.objects.in_bulk(matches.asked[: min(SHOWN, put)])
    return RuleTrial(
        matches=matches,
        put=put,
        over_budget=len(matches.asked) - put,
        hours=put * wanted.overlap * seconds / 3600,
        seconds_an_answer=seconds,
        timed=timed,
        items=[by_id[pk] for pk in matches.asked[:SHOWN] if pk in by_id],
    )


def seconds_an_answer(project: Project, *, at: datetime) -> tuple[float, int]:
    """The median time of the last answers and how many were timed; a default, and 0, where these are few."""
    rows = Label.objects.filter(project=project, state=LabelState.GIVEN, seconds__isnull=False, updated_at__lte=at)
    taken = [float(seconds or 0.0) for seconds in rows.order_by("-pk").values_list("seconds", flat=True)[:200]]
    return (median(taken), len(taken)) if len(taken) >= FEWEST_TIMED else (SECONDS_AN_ANSWER, 0)


def check_settings(project: Project, wanted: RuleSettings) -> None:
    """Raises BadFilter and BadRule for what a rule cannot be."""
    parse_query(project, wanted.query)
    if wanted.cause not in CAUSES:
        raise BadRule(f"A rule asks for one of {', '.join(CAUSES)}, not {wanted.cause[:40]!r}.")
    if not 0 < wanted.rate <= 1:
        raise BadRule(f"The rate is {wanted.rate:g}; it takes a share above 0 and up to 1.")
    if wanted.order not in Order.values:
        raise BadRule(f"The order is {wanted.order[:40]!r}; it takes {', '.join(Order.values)}.")


@retry_conflicts
@transaction.atomic
def create_rule(project: Project, wanted: RuleSettings, *, by: User, at: datetime) -> QueueRule:
    """Make a queue and the rule that fills it; the same asked for twice, as by a double click, is one.

    Raises BadFilter, BadRule (also where a rule of this title asks for something else) and QueueProblem.
    """
    check_settings(project, wanted)
    wanted = replace(wanted, title=wanted.title.strip(), query=_stored_query(wanted))
    members.lock(project)
    of_title = QueueRule.objects.filter(project=project, queue__title=wanted.title).select_related("queue")
    if made := of_title.order_by("pk").first():
        if settings_of(made) == wanted:
            return made
        raise BadRule(f"A rule named {wanted.title} is there already: change that one, or choose another title.")
    queue = queues.create(
        project,
        title=wanted.title,
        cause=wanted.cause,
        by=by,
        at=at,
        overlap=wanted.overlap,
        sla_hours=wanted.sla_hours,
    )
    Queue.objects.filter(pk=queue.pk).update(order=wanted.order)
    rule = QueueRule.objects.create(project=project, queue=queue, created_by=by, created_at=at, **_of_rule(wanted))
    audit.record("rule.create", by=by, at=at, project=project, target=queue.slug, details=asdict(wanted))
    return rule


@retry_conflicts
@transaction.atomic
def change_rule(rule: QueueRule, wanted: RuleSettings, *, by: User, at: datetime) -> bool:
    """Put these settings in force for what it asks from now on; False where they are. Raises BadFilter and BadRule."""
    check_settings(rule.project, wanted)
    members.lock(rule.project)
    now = QueueRule.objects.select_related("queue").select_for_update(of=("self",)).get(pk=rule.pk)
    before = settings_of(now)
    if before == wanted:
        return False
    if wanted.cause != before.cause:
        raise BadRule("The cause of a queue stays: make another rule for another cause.")
    if not 1 <= wanted.overlap <= 20 or not 1 <= len(wanted.title.strip()) <= 120:
        raise BadRule("A queue has a title of 1 to 120 characters, and 1 to 20 people label each item.")
    Queue.objects.filter(pk=now.queue_id).update(
        title=wanted.title.strip(), overlap=wanted.overlap, sla_hours=wanted.sla_hours, order=wanted.order
    )
    QueueRule.objects.filter(pk=now.pk).update(**_of_rule(wanted))
    record_version(now.project, area_of(now), asdict(before), asdict(wanted), reason="", by=by, at=at)
    return True


def _of_rule(wanted: RuleSettings) -> Mapping[str, Any]:
    return {"query": _stored_query(wanted), "rate": wanted.rate, "daily_budget": wanted.budget}


def _stored_query(wanted: RuleSettings) -> str:
    return wanted.query.strip().lstrip("?")


def settings_of(rule: QueueRule) -> RuleSettings:
    """What the rule asks for now."""
    queue = rule.queue
    return RuleSettings(
        title=queue.title,
        cause=queue.cause,
        query=rule.query,
        rate=rule.rate,
        budget=rule.daily_budget,
        overlap=queue.overlap,
        sla_hours=queue.sla_hours,
        order=queue.order,
    )


def area_of(rule: QueueRule) -> str:
    """The name of its settings among the versions of the project's settings."""
    return f"rule:{rule.queue.slug}"


@retry_conflicts
@transaction.atomic
def apply_rule(rule: QueueRule, *, since: datetime | None = None, at: datetime) -> QueueRuleAction | None:
    """Put what the rule finds into its queue, the newest first, as many as its budget leaves; the row of its log.

    `since`: a backfill from that moment on. None, and no row, where it found nothing, or the same as the last time.
    """
    held = QueueRule.objects.select_related("queue", "project").select_for_update(of=("self",)).get(pk=rule.pk)
    wanted = settings_of(held)
    start = max(held.created_at, at - LONGEST_LOOK) if since is None else since
    found = find_matches(held.project, wanted, since=start, at=at, queue=held.queue)
    chosen = found.asked[: _budget_left(held, at)]
    entries = [_entry(held, wanted, pk, place, len(chosen)) for place, pk in enumerate(chosen)]
    put = queues.add_entries(held.queue, entries, at=at).created  # all at once: it locks the items in their order
    row = QueueRuleAction(
        rule=held,
        at=at,
        backfill=since is not None,
        matched=found.matched,
        put=put,
        not_drawn=found.not_drawn,
        waiting=found.waiting + len(chosen) - put,
        labelled=found.labelled,
        over_budget=len(found.asked) - len(chosen),
    )
    last = held.actions.order_by("-pk").first()
    if not put and since is None and (not found.matched or (last and last.says() == row.says())):
        return None
    row.save()
    return row


def _budget_left(rule: QueueRule, at: datetime) -> int:
    if rule.daily_budget is None:
        return MOST
    used = RoutedItem.objects.filter(queue=rule.queue, routed_at__gt=at - A_DAY).count()
    return max(rule.daily_budget - used, 0)


def _entry(rule: QueueRule, wanted: RuleSettings, item_id: int, place: int, count: int) -> queues.Entry:
    return queues.Entry(
        item_id=item_id,
        reason=f"by the rule of {wanted.title}"[:LONGEST_REASON],
        numbers={"rule": rule.pk},
        inclusion_probability=wanted.rate,
        priority=1 - place / count,
        evaluation=wanted.cause in EVALUATION_CAUSES,
        strategy="rule",
    )
