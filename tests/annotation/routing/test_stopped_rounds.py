"""A round of routing that is killed at any of its writes leaves nothing half done, and the next one goes on."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, F

from annotation.models import Item, RoutedItem, RoutedState, Slot
from annotation.routing import audit_draw, route
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db(transaction=True)

EVERY = 2  # of the writes: each second is where the process dies


class Killed(BaseException):
    """As SIGKILL: no handler catches it."""


def round_killed_at(project: Project, number: int) -> bool:
    """Whether the round was still writing at its write of this number, where it died."""
    seen = 0

    def die(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += sql.startswith(("INSERT", "UPDATE", "DELETE"))
        if seen == number:
            raise Killed
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(die):
            route(project, at=NOW, seed=number)
    except Killed:
        return True
    return False


def half_done(project: Project) -> list[str]:
    """What no round may leave behind."""
    routed = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN)
    found = []
    if routed.annotate(places=Count("slots")).exclude(places=F("overlap")).exists():
        found.append("a routed item without its slots")
    if Item.objects.filter(project=project, asked_at__isnull=False, in_pool=True).exists():
        found.append("an asked item that may be asked again")
    chosen = Item.objects.filter(project=project, asked_at__isnull=False, routed_items=None)
    if chosen.exists():
        found.append("an asked item that nobody is asked about")
    audit = routed.filter(cause="audit", inclusion_probability__lt=1)
    if audit.exclude(audit_probability=F("item__audit_probability")).exists():
        found.append("an audit item whose place has another probability than its draw")
    return found


def test_leaves_nothing_half_done_wherever_it_is_killed() -> None:
    project = make_project(inputs=NUMBERS)
    fill(project, 300, start=NOW - timedelta(days=5), minutes=24)
    Item.objects.filter(project=project).update(audit_probability=0.9)  # a backlog that a round thins
    deaths = 0
    for number in range(1, 100, EVERY):
        if not round_killed_at(project, number):
            break
        deaths += 1
        assert half_done(project) == []
    assert deaths > 3
    assert half_done(project) == [] and Slot.objects.filter(project=project).exists()
    assert audit_draw.not_asked(project).count() < 300
