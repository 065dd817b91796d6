"""A round reads what it needs by index: no statement goes through all items or predictions of a project."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from annotation.routing import candidates, route
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db

WHOLE_PROJECT = re.compile(r"(SCAN|SEARCH) annotation_(item|prediction)( USING.* \(project_id=\?\))?$")
DRAWN_ONLY = "audit_by_chance"  # an index of the few items that the audit drew
STOPS_EARLY = re.compile(r" LIMIT |^SELECT MIN\(")  # the first rows of an index, or its first one
LOWER_BOUND = re.compile(r'("\w+"\."\w+") >=? %s')


@pytest.fixture
def statements() -> list[tuple[str, Any]]:
    """Every SELECT of a round of a project with scored items over five days, with its parameters."""
    project = make_project(inputs=NUMBERS)
    fill(project, 1500, start=NOW - timedelta(days=5), minutes=4.8)
    return recorded(lambda: route_large(project))


def route_large(project: Project) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "SMALL_POOL", 10)  # as if the pool were too large to be read whole
        route(project, at=NOW, seed=0)


def recorded(act: Callable[[], object]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        act()
    return found


def test_no_statement_reads_all_items_or_predictions_of_a_project(statements: list[tuple[str, Any]]) -> None:
    whole: list[str] = []
    for sql, params in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [row[-1] for row in cursor.fetchall()]
        unbounded = [step for step in steps if WHOLE_PROJECT.match(step) and DRAWN_ONLY not in step]
        if unbounded and not STOPS_EARLY.search(sql):
            whole.append(f"{unbounded}: {sql[:300]}")

    assert not whole


def test_no_statement_has_two_lower_bounds_of_one_column(statements: list[tuple[str, Any]]) -> None:
    """SQLite searches by one of them, whichever that is, and goes through all rows between the two."""
    twice = [sql for sql, _ in statements if len(bounds := LOWER_BOUND.findall(sql)) != len(set(bounds))]

    assert not twice
