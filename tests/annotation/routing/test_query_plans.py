"""A round and a desk read what they need by index: no statement goes through all that a project holds."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from annotation import desk_buffer, lease_ends, queue_counts
from annotation.models import Cause, RoutedItem, RoutedState
from annotation.routing import candidates, refill, route
from projects.models import Project, User
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db

WHOLE_PROJECT = re.compile(r"(SCAN|SEARCH) (annotation_\w+|[A-Z]\d)( USING.* \(project_id=\?\))?$")
FEW_ROWS = re.compile(r"audit_by_chance|open_slots|annotation_(queue|supplymark|guideline)|projects_membership")
"""Indexes of the few items that the audit drew and of what is open now, and tables of a few rows a project."""

STOPS_EARLY = re.compile(r" LIMIT |^SELECT MIN\(")  # the first rows of an index, or its first one
LOWER_BOUND = re.compile(r'("\w+"\."\w+") >=? %s')


@pytest.fixture
def statements() -> list[tuple[str, Any]]:
    """Every SELECT of a round, and of a desk that asks for items, where scored items came over five days."""
    project = make_project(inputs=NUMBERS)
    fill(project, 1500, start=NOW - timedelta(days=5), minutes=4.8)
    person = make_user(project=project)
    return recorded(lambda: route_large(project, person))


def route_large(project: Project, person: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "SMALL_POOL", 10)  # as if the pool were too large to be read whole
        route(project, at=NOW, seed=0)
        assert desk_buffer.fill(project, by=person, count=25, held=[], at=NOW)
        refill.is_due(project, at=NOW)
        lease_ends.release_expired(at=NOW)


def recorded(act: Callable[[], object]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        act()
    return found


def test_no_statement_reads_all_that_a_project_holds(statements: list[tuple[str, Any]]) -> None:
    whole: list[str] = []
    for sql, params in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [row[-1] for row in cursor.fetchall()]
        unbounded = [step for step in steps if WHOLE_PROJECT.match(step) and not FEW_ROWS.search(step)]
        if unbounded and not STOPS_EARLY.search(sql):
            whole.append(f"{unbounded}: {sql[:300]}")

    assert not whole


def test_no_statement_has_two_lower_bounds_of_one_column(statements: list[tuple[str, Any]]) -> None:
    """SQLite searches by one of them, whichever that is, and goes through all rows between the two."""
    twice = [sql for sql, _ in statements if len(bounds := LOWER_BOUND.findall(sql)) != len(set(bounds))]

    assert not twice


def test_how_full_the_queues_are_costs_nothing_for_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of routed items by state or to a limit, of slots those leased, of labels those of an hour."""
    monkeypatch.setattr(queue_counts, "MOST_DONE", 3)
    project = make_project(inputs=NUMBERS)
    fill(project, 60, start=NOW - timedelta(days=5), minutes=4.8)
    route(project, at=NOW, seed=0)
    queue = project.queues.get(cause=Cause.UNCERTAIN)
    RoutedItem.objects.filter(queue=queue).update(state=RoutedState.DONE)
    found: list[tuple[str, Any]] = recorded(lambda: queue_counts.count_queues(project, at=NOW))

    plans = []
    for sql, params in found:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            plans += [row[-1] for row in cursor.fetchall()]
    reads = [step for step in plans if re.search(r" (annotation_(routeditem|slot|label)|r) ", step)]
    bounded = re.compile(r"state=\?|leased_slots_by_end|updated_at>\?|queue_id=\?|rowid=\?")
    assert reads and all(bounded.search(step) for step in reads), reads
    one = next(row for row in queue_counts.count_queues(project, at=NOW) if row.queue == queue)
    assert (one.done, one.done_words) == (3, "3 or more")
