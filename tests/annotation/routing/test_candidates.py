"""Candidates: the most uncertain of the whole window, the newest and a random sample, however many came before."""

from datetime import timedelta

import numpy as np
import pytest

from annotation.models import Item
from annotation.routing import candidates
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill, score
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db
RNG = np.random.default_rng


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test of some hundred items goes beyond."""
    for name, value in {"UNCERTAIN": 60, "RANDOM": 20, "NEWEST": 10, "SMALL_POOL": 50}.items():
        monkeypatch.setattr(candidates, name, value)


def find(project: Project, seed: int = 0, count: int = 5) -> set[int]:
    return set(candidates.find_candidates(project, count=count, at=NOW, rng=RNG(seed)))


def test_hold_the_most_uncertain_of_the_window_wherever_they_are(project: Project, few: None) -> None:
    items = fill(project, 600, scored=False, start=NOW - timedelta(days=5))
    spam = np.full(600, 0.99)
    spam[100:150] = np.linspace(0.45, 0.55, 50)
    score(items, spam)
    assert {item.pk for item in items[100:150]} <= find(project)


@pytest.mark.parametrize("small", [50, 5000])
def test_the_order_of_margins_is_the_same_from_the_index_and_from_a_small_pool(
    project: Project, few: None, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(candidates, "SMALL_POOL", small)
    items = fill(project, 120)
    Item.objects.filter(pk__in=[item.pk for item in items[::3]]).update(in_pool=False)
    rows = Item.objects.filter(in_pool=True).order_by("predictions__margin", "predictions__pk")
    found = candidates.most_uncertain(project, 30, since=None)
    assert [pk for pk, _ in found] == list(rows.values_list("pk", flat=True)[:30])


def test_the_serving_version_decides_what_is_uncertain(project: Project, few: None) -> None:
    items = fill(project, 300)
    score(items, np.where(np.arange(300) == 7, 0.5, 0.99), version="v2")
    Project.objects.filter(pk=project.pk).update(champion_version="v2")
    project.refresh_from_db()
    assert candidates.most_uncertain(project, 1, since=None) == [(items[7].pk, 0.0)]


def test_hold_the_newest(project: Project, few: None) -> None:
    items = fill(project, 300)
    assert {item.pk for item in items[-10:]} <= find(project)


def test_any_item_of_the_window_is_reached_by_some_round(project: Project, few: None) -> None:
    items = fill(project, 200)
    reached = set().union(*(find(project, seed) for seed in range(60)))
    assert reached == {item.pk for item in items}


def test_leave_out_what_came_before_the_window_while_it_holds_enough(project: Project, few: None) -> None:
    old = fill(project, 50, start=NOW - timedelta(days=90))
    new = fill(project, 100, seed=1)
    assert find(project) <= {item.pk for item in new}
    assert find(project, count=80) & {item.pk for item in old}


def test_labels_to_compare_with_are_those_of_items_out_of_the_pool(project: Project) -> None:
    items = fill(project, 3)
    for item, evaluation in zip(items, (False, True, False), strict=True):
        item.resolutions.create(
            project=project, value="ham", method="single", quality=1, votes=1, evaluation=evaluation, resolved_at=NOW
        )
    Item.objects.filter(pk__in=[item.pk for item in items[:2]]).update(in_pool=False)
    assert [inputs for inputs, _ in candidates.labelled(project)] == [items[0].inputs]
