"""Drift between windows of time: found in all items or in one segment, and named by what moved."""

from datetime import timedelta

import numpy as np
import pytest

from annotation import routing
from annotation.models import Cause, Item, RoutedItem
from annotation.routing.capacity import Places
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


def route(project: Project) -> routing.Routed:
    return routing.route(project, at=NOW, seed=1, places=Places(40, 0))


def drifted() -> list[RoutedItem]:
    return list(RoutedItem.objects.filter(cause=Cause.DRIFTED).select_related("item"))


def test_names_the_input_that_moved_and_asks_items_that_show_it(project: Project) -> None:
    fill(project, 600, start=NOW - timedelta(days=3), minutes=5)
    changed = fill(project, 150, shift=3.0, seed=5, start=NOW - timedelta(minutes=50), minutes=0.3)
    routed = route(project)
    rows = drifted()
    assert 5 <= len(rows) <= 10
    assert {row.item_id for row in rows} <= {item.pk for item in changed}
    assert all(row.reason.startswith("unlike earlier items: mean a 3.") for row in rows)
    assert all(" SD higher, in the last " in row.reason for row in rows)
    assert "mean a 3." in routed.words


def test_an_old_backlog_hides_no_drift(project: Project) -> None:
    fill(project, 2500, start=NOW - timedelta(days=28), minutes=16)
    changed = fill(project, 200, shift=3.0, seed=5, start=NOW - timedelta(minutes=55), minutes=0.25)
    route(project)
    assert drifted()
    assert {row.item_id for row in drifted()} <= {item.pk for item in changed}


def test_finds_what_moved_in_one_segment_only(project: Project) -> None:
    for name, part in {"A": 0, "B": 1}.items():
        fill(project, 400, seed=part, start=NOW - timedelta(days=3), minutes=9, segment={"sensor": name})
    fill(project, 900, seed=3, start=NOW - timedelta(minutes=58), minutes=0.06, segment={"sensor": "A"})
    late = NOW - timedelta(minutes=58)
    changed = fill(project, 160, shift=2.5, seed=4, start=late, minutes=0.34, segment={"sensor": "B"})
    route(project)
    rows = drifted()
    assert rows
    assert {row.item_id for row in rows} <= {item.pk for item in changed}
    assert all("SD higher, in sensor B, in the last" in row.reason for row in rows)


def test_says_nothing_where_nothing_moved(project: Project) -> None:
    fill(project, 900, start=NOW - timedelta(days=3), minutes=4.7)
    route(project)
    assert not drifted()


def test_night_is_compared_with_night(project: Project) -> None:
    """A value with a daily cycle, of twelve days: the last hour is like the same hour of the days before."""
    items = fill(project, 12 * 24 * 12, scored=False, start=NOW - timedelta(days=12), minutes=5)
    for item in items:
        hour = (item.at - NOW) / timedelta(hours=1)
        item.inputs = {"a": item.inputs["a"] + 4 * np.cos(2 * np.pi * hour / 24), "b": item.inputs["b"]}
    Item.objects.bulk_update(items, ["inputs"], batch_size=500)
    more = fill(project, 300, scored=False, seed=8, start=NOW - timedelta(minutes=59), minutes=0.19)
    for item in more:
        item.inputs = {"a": item.inputs["a"] + 4, "b": item.inputs["b"]}
    Item.objects.bulk_update(more, ["inputs"], batch_size=500)
    route(project)
    assert not any("last hour" in row.reason for row in drifted())


def test_a_change_of_no_single_input_is_explained_by_how_unlike_the_training_data_an_item_is(project: Project) -> None:
    """Before, a and b are equal but for noise; now each is as before and they are independent."""
    old = fill(project, 400, scored=False, start=NOW - timedelta(days=3), minutes=9)
    for item in old:
        item.inputs = {"a": item.inputs["a"], "b": item.inputs["a"] + 0.1 * item.inputs["b"]}
    Item.objects.bulk_update(old, ["inputs"], batch_size=500)
    for item in old[:50]:
        item.resolutions.create(project=project, value="ham", method="single", quality=1, votes=1, resolved_at=NOW)
    Item.objects.filter(pk__in=[item.pk for item in old[:50]]).update(in_pool=False)
    changed = fill(project, 150, scored=False, seed=5, start=NOW - timedelta(minutes=55), minutes=0.3)
    route(project)
    rows = drifted()
    assert rows
    assert {row.item_id for row in rows} <= {item.pk for item in changed}
    assert all(row.reason.startswith("less like the training data than 9") for row in rows)
    assert all(row.reason.endswith("in 100 earlier items; the nearest is labelled ham") for row in rows)
