"""Rules that fill queues: a dry run and the rule find the same, the rate draws the same items, and the log says why."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from analysis import queue_rule_jobs, queue_rule_log, queue_rules
from analysis.item_columns import ViewState
from analysis.item_filters import BadFilter, parse_filters
from analysis.item_pages import parse_order
from analysis.models import QueueRule, QueueRuleAction
from analysis.queue_rules import BadRule, RuleSettings
from annotation import labels, leases, queues
from annotation.capture.storage import capture_rows
from annotation.models import Cause, Item, Queue, RoutedItem
from jobs.models import Job
from projects.models import AuditEvent, Project, Role, SettingsVersion, User
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
APP = RuleSettings("From the app", Cause.SLICE, "segment=channel%3Dapp")


@pytest.fixture
def project() -> Project:
    made = make_project()
    made.input_contracts.update(segments=["channel"])
    capture(made, "before", 12, at=NOW - 2 * HOUR)
    return made


@pytest.fixture
def eva(project: Project) -> User:
    return make_user("eva", project, Role.ENGINEER)


def capture(project: Project, stem: str, n: int, *, at: Any) -> None:
    """Every second of `n` items is of the app."""
    rows = [
        {"key": f"{stem}-{k}", "inputs": {"text": f"{stem} {k}"}, "segment": {"channel": "app" if k % 2 else "web"}}
        for k in range(n)
    ]
    assert not capture_rows(project, rows, at=at).refused


def changed(settings: RuleSettings, **values: Any) -> RuleSettings:
    return RuleSettings(**{**settings.__dict__, **values})


def test_a_dry_run_finds_what_the_rule_then_puts_by_a_backfill(project: Project, eva: User) -> None:
    tried = queue_rules.dry_run(project, APP, at=NOW)
    assert (tried.matches.matched, tried.put, len(tried.items)) == (6, 6, 6)
    assert tried.hours == pytest.approx(6 * queue_rules.SECONDS_AN_ANSWER / 3600)
    assert not RoutedItem.objects.exists(), "nothing is put by trying"

    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    assert queue_rules.apply_rule(rule, at=NOW) is None, "it asks about what comes from now on"
    done = queue_rules.apply_rule(rule, since=NOW - queue_rules.A_WEEK, at=NOW)

    assert done is not None and done.put == 6
    assert set(rule.queue.routed_items.values_list("item", flat=True)) == set(tried.matches.asked)


def test_a_rule_asks_about_what_comes_and_twice_is_once(project: Project, eva: User) -> None:
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    capture(project, "after", 4, at=NOW + HOUR)

    first = queue_rules.apply_rule(rule, at=NOW + 2 * HOUR)
    again = queue_rules.apply_rule(rule, at=NOW + 2 * HOUR)

    assert first is not None and (first.matched, first.put) == (2, 2) and again is None
    routed = RoutedItem.objects.filter(queue=rule.queue)
    assert {row.reason for row in routed} == {"by the rule of From the app"} and routed.count() == 2


def test_the_budget_of_a_day_holds_and_the_rest_follows_the_next_day(project: Project, eva: User) -> None:
    rule = queue_rules.create_rule(project, changed(APP, budget=4), by=eva, at=NOW)
    capture(project, "after", 12, at=NOW + HOUR)

    first = queue_rules.apply_rule(rule, at=NOW + 2 * HOUR)
    full = queue_rules.apply_rule(rule, at=NOW + 3 * HOUR)
    same = queue_rules.apply_rule(rule, at=NOW + 4 * HOUR)
    next_day = queue_rules.apply_rule(rule, at=NOW + 27 * HOUR)

    assert first is not None and (first.put, first.over_budget) == (4, 2)
    assert full is not None and (full.put, full.over_budget) == (0, 2)
    assert same is None, "what the log says already is not said again"
    assert next_day is not None and next_day.put == 2
    assert queue_rules.dry_run(project, changed(APP, budget=1), at=NOW + 27 * HOUR).over_budget == 0


def test_the_rate_draws_the_same_items_whenever_one_looks(project: Project, eva: User) -> None:
    capture(project, "more", 400, at=NOW - HOUR)
    half = changed(APP, rate=0.5)

    tried = [queue_rules.find_matches(project, half, since=NOW - queue_rules.A_WEEK, at=NOW) for _ in range(2)]

    assert tried[0].asked == tried[1].asked
    drawn = Item.objects.filter(pk__in=tried[0].asked).values_list("sample_number", flat=True)
    assert max(drawn) < 0.5 and 60 < len(drawn) < 146  # of 206
    assert tried[0].not_drawn == 206 - len(drawn)


def test_what_waits_elsewhere_or_is_labelled_is_left_out_and_counted(project: Project, eva: User) -> None:
    first, second = Item.objects.filter(key__in=["before-1", "before-3"]).order_by("key")
    queue = queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    entry = {"reason": "margin", "numbers": {}, "inclusion_probability": 1.0}
    queues.add_entries(queue, [queues.Entry(first.pk, priority=0.9, **entry)], at=NOW)  # type: ignore[arg-type]
    (lease,) = leases.claim(project, by=eva, count=1, queue=queue, at=NOW)
    labels.submit(project, lease.token, value="ham", by=eva, at=NOW)
    queues.add_entries(queue, [queues.Entry(second.pk, priority=0.9, **entry)], at=NOW)  # type: ignore[arg-type]

    found = queue_rules.find_matches(project, APP, since=NOW - queue_rules.A_WEEK, at=NOW)
    about_labels = changed(APP, cause=Cause.SUSPECTED)
    asked_again = queue_rules.find_matches(project, about_labels, since=NOW - queue_rules.A_WEEK, at=NOW)

    assert (found.matched, len(found.asked), found.waiting, found.labelled) == (6, 4, 1, 1)
    assert (len(asked_again.asked), asked_again.labelled) == (5, 0)


def test_the_items_are_put_by_one_call_which_locks_them_in_their_order(
    project: Project, eva: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    newest_first = list(range(1200, 0, -1))
    monkeypatch.setattr(queue_rules, "find_matches", lambda *_, **__: queue_rules.Matches(1200, newest_first, 0, 0, 0))
    calls: list[list[int]] = []

    def put(queue: Queue, entries: list[queues.Entry], **_: Any) -> queues.Put:
        calls.append([entry.item_id for entry in entries])
        return queues.Put(len(entries), 0)

    monkeypatch.setattr(queues, "add_entries", put)
    done = queue_rules.apply_rule(rule, at=NOW)
    assert calls == [newest_first] and done is not None and done.put == 1200


def test_a_rule_asked_for_twice_is_one_and_another_of_its_title_is_refused(project: Project, eva: User) -> None:
    first = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    again = queue_rules.create_rule(
        project, changed(APP, title=" From the app ", query="?" + APP.query), by=eva, at=NOW
    )

    assert again == first and QueueRule.objects.count() == project.queues.filter(title=APP.title).count() == 1
    assert AuditEvent.objects.filter(action="rule.create").count() == 1
    with pytest.raises(BadRule, match="is there already"):
        queue_rules.create_rule(project, changed(APP, rate=0.5), by=eva, at=NOW)
    assert QueueRule.objects.count() == 1


def test_old_rows_of_the_log_are_deleted_but_for_the_newest_of_each_rule(project: Project, eva: User) -> None:
    rules = [queue_rules.create_rule(project, changed(APP, title=title), by=eva, at=NOW) for title in ("One", "Two")]
    months_ago = NOW - queue_rule_log.KEPT - HOUR
    for place, rule in enumerate(rules):
        for at in (months_ago, months_ago, *([NOW] if place else [])):
            QueueRuleAction.objects.create(rule=rule, at=at, matched=1)

    assert queue_rule_log.forget_old(at=NOW) == 3
    assert [(row.rule, row.at) for row in QueueRuleAction.objects.order_by("rule")] == [
        (rules[0], months_ago),
        (rules[1], NOW),
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"query": ""}, {"query": "state=nowhere"}, {"rate": 0.0}, {"rate": 1.5}, {"cause": "audit"}, {"order": "best"}],
)
def test_what_a_rule_cannot_be_is_refused_and_nothing_made(project: Project, eva: User, wrong: dict[str, Any]) -> None:
    with pytest.raises((BadRule, BadFilter)):
        queue_rules.create_rule(project, changed(APP, **wrong), by=eva, at=NOW)
    assert not QueueRule.objects.exists() and not project.queues.filter(title=APP.title).exists()


@pytest.mark.parametrize("query", ["state=open&confidnce=..0.1", "confidnce=..0.1", "state=open&confidnce="])
def test_a_misspelt_filter_is_refused_by_its_name(project: Project, eva: User, query: str) -> None:
    """Seen: the misspelt one was passed over, and the rule asked about everything that is open."""
    with pytest.raises(BadFilter, match="'confidnce' is not a filter; there are state, cause, .*confidence"):
        queue_rules.dry_run(project, changed(APP, query=query), at=NOW)
    with pytest.raises(BadFilter, match="'confidnce' is not a filter"):
        queue_rules.create_rule(project, changed(APP, query=query), by=eva, at=NOW)


def test_a_saved_view_with_its_columns_and_order_makes_a_rule(project: Project) -> None:
    view = ViewState(
        parse_filters(QueryDict(APP.query), project), parse_order("-score", project), ("key", "at"), "cards"
    )
    assert "sort=" in view.query() and "columns=" in view.query() and "layout=" in view.query()
    assert queue_rules.parse_query(project, view.query()).segment == "channel=app"


def test_changes_are_versions_in_the_audit_trail(project: Project, eva: User) -> None:
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)

    assert queue_rules.change_rule(rule, changed(APP, rate=0.25, sla_hours=8.0), by=eva, at=NOW)
    assert not queue_rules.change_rule(rule, changed(APP, rate=0.25, sla_hours=8.0), by=eva, at=NOW)

    rule.refresh_from_db()
    rule.queue.refresh_from_db()
    assert (rule.rate, rule.queue.sla_hours) == (0.25, 8.0)
    versions = SettingsVersion.objects.filter(project=project, area=queue_rules.area_of(rule))
    assert [row.value["rate"] for row in versions.order_by("version")][-2:] == [1.0, 0.25]
    assert AuditEvent.objects.filter(action__startswith="settings").exists()


def test_a_rule_that_can_no_longer_look_says_so_once_in_its_log(project: Project, eva: User) -> None:
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    QueueRule.objects.update(query="state=nowhere")
    rule.refresh_from_db()

    for _ in range(2):
        with pytest.raises(BadFilter):
            queue_rules.apply_rule(rule, at=NOW)
        queue_rule_log.note_problem(rule, "State is 'nowhere'", at=NOW)

    assert [row.problem for row in QueueRuleAction.objects.all()] == ["State is 'nowhere'"]


def test_a_backfill_is_asked_for_once_while_it_waits(project: Project, eva: User) -> None:
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)

    first = queue_rule_jobs.request_backfill(rule, 7, by=eva, at=NOW)
    assert queue_rule_jobs.request_backfill(rule, 7, by=eva, at=NOW).pk == first.pk
    assert Job.objects.get(kind=queue_rule_jobs.KIND).payload == {"rule": rule.pk, "days": 7}
    with pytest.raises(BadRule):
        queue_rule_jobs.request_backfill(rule, 0, by=eva, at=NOW)
