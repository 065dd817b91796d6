"""Routing: what is asked, why, and with what probability; the design that the weighted metrics rest on."""

from datetime import timedelta

import numpy as np
import pytest

from annotation import rescoring, routing
from annotation.models import Cause, Item, RoutedItem, Signal, Slot
from projects.models import Project
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db
NUMBERS = {"a": {"type": "number"}, "b": {"type": "number"}}


def fill(project: Project, n: int, *, scored: bool = True, shift: float = 0.0, seed: int = 0) -> list[Item]:
    rng = np.random.default_rng(seed)
    items = []
    for i in range(n):
        a, b = rng.normal(shift, 1, 2)
        item = make_item(project, inputs={"a": a, "b": b}, at=NOW + timedelta(minutes=i))
        if scored:
            p = 1 / (1 + np.exp(-a))
            make_prediction(item, [1 - p, p])
        items.append(item)
    return items


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS, routing={"batch": 40, "waiting": 40, "audit_share": 0.25})


def route(project: Project, seed: int = 1) -> routing.Routed:
    return routing.route(project, at=NOW, seed=seed)


def test_fills_the_room_with_uncertain_and_audit_items(project: Project) -> None:
    fill(project, 200)
    routed = route(project)
    assert routed.by_cause[Cause.AUDIT] == 10
    assert sum(routed.by_cause.values()) <= 40
    assert routed.by_cause[Cause.UNCERTAIN] >= 25
    assert Slot.objects.filter(state=Slot.State.OPEN).count() == sum(routed.by_cause.values())


def test_every_routed_item_has_cause_reason_numbers_and_probability(project: Project) -> None:
    fill(project, 200)
    route(project)
    for row in RoutedItem.objects.all():
        assert row.reason
        assert 0 < row.inclusion_probability <= 1
        assert row.numbers or row.cause == Cause.AUDIT
    audit = RoutedItem.objects.filter(cause=Cause.AUDIT)
    assert {row.audit_probability for row in audit} == {10 / 200}
    assert all(row.evaluation for row in audit)
    assert not RoutedItem.objects.exclude(cause=Cause.AUDIT).filter(evaluation=True).exists()


def test_the_uncertain_are_those_with_small_margins() -> None:
    project = make_project(inputs=NUMBERS, routing={"batch": 12, "waiting": 12})
    fill(project, 500)
    route(project)
    asked = RoutedItem.objects.filter(cause=Cause.UNCERTAIN).values_list("item__predictions__margin", flat=True)
    everyone = Item.objects.values_list("predictions__margin", flat=True)
    assert np.median(list(asked)) < np.median(list(everyone)) / 3
    first = RoutedItem.objects.filter(cause=Cause.UNCERTAIN).order_by("-priority").first()
    assert first is not None
    assert "against" in first.reason


def test_an_item_both_uncertain_and_drawn_is_audited_with_probability_one() -> None:
    project = make_project(inputs=NUMBERS, routing={"batch": 60, "waiting": 60, "audit_share": 0.5})
    fill(project, 100)
    route(project)
    both = RoutedItem.objects.filter(cause=Cause.AUDIT, inclusion_probability=1)
    assert both.exists()
    assert all(row.numbers["also_active"] and row.audit_probability == 0.3 for row in both)


def test_marks_all_it_weighed_and_never_draws_an_audit_from_them_again(project: Project) -> None:
    fill(project, 200)
    route(project)
    assert not Item.objects.filter(considered_at=None).exists()
    RoutedItem.objects.update(state=RoutedItem.State.DONE)

    again = route(project, seed=2)

    assert Cause.AUDIT not in again.by_cause
    later = RoutedItem.objects.filter(state=RoutedItem.State.OPEN)
    assert later.exists()
    assert not any(row.represents for row in later)


def test_asks_nothing_when_enough_waits(project: Project) -> None:
    fill(project, 200)
    route(project)
    project.routing["waiting"] = RoutedItem.objects.count()
    assert route(project, seed=2).by_cause == {}


def test_a_correction_is_asked_first_whatever_waits(project: Project) -> None:
    items = fill(project, 200)
    route(project)
    free = next(item for item in items if not item.routed_items.exists())
    Signal.objects.create(
        project=project,
        key="s",
        prediction_key=free.key,
        item=free,
        kind="correction",
        value="spam",
        body_hash="0" * 64,
        at=NOW,
        captured_at=NOW,
    )

    project.routing["waiting"] = RoutedItem.objects.count()
    assert route(project, seed=2).by_cause == {Cause.OVERRIDDEN: 1}

    row = free.routed_items.get()
    assert (row.reason, row.represents) == ("corrected to spam", False)


def test_items_without_scores_are_asked_typical_first(project: Project) -> None:
    fill(project, 150, scored=False)
    routed = route(project)
    assert routed.by_cause.get(Cause.TYPICAL, 0) >= 20
    assert Cause.UNCERTAIN not in routed.by_cause


def test_a_changed_window_sends_its_newest_looking_items(project: Project) -> None:
    fill(project, 400)
    changed = fill(project, 200, shift=3.0, seed=5)
    for item in changed:
        Item.objects.filter(pk=item.pk).update(at=item.at + timedelta(days=1))
    routed = route(project)
    assert routed.by_cause[Cause.DRIFTED] >= 5
    reasons = RoutedItem.objects.filter(cause=Cause.DRIFTED)
    assert {row.item_id for row in reasons} <= {item.pk for item in changed}
    assert all("newer than" in row.reason for row in reasons)


def test_the_same_seed_routes_the_same_items(project: Project) -> None:
    fill(project, 200)
    first = routing.decide(routing.load(project), project, size=40, audit_share=0.25, seed=3)
    second = routing.decide(routing.load(project), project, size=40, audit_share=0.25, seed=3)
    assert first.picks.keys() == second.picks.keys()
    assert first.audit.tolist() == second.audit.tolist()


def test_a_new_champion_ranks_open_items_again(project: Project) -> None:
    fill(project, 200)
    route(project)
    Project.objects.filter(pk=project.pk).update(champion_version="v2")
    project = Project.objects.get(pk=project.pk)
    rows = list(RoutedItem.objects.filter(cause=Cause.UNCERTAIN).order_by("pk"))
    for place, row in enumerate(rows):
        share = 0.5 + 0.4 * place / len(rows)
        make_prediction(row.item, [share, 1 - share], model_version="v2", source="rescored")

    assert rescoring.refresh(project, at=NOW) == len(rows)

    ranked = list(RoutedItem.objects.filter(cause=Cause.UNCERTAIN).order_by("-priority"))
    assert [row.pk for row in ranked] == [row.pk for row in rows]
    assert ranked[0].reason == "ham against spam, margin 0.00"
    assert {row.scored_by for row in ranked} == {"v2"}
    assert list(Slot.objects.filter(routed__in=ranked).order_by("-priority").values_list("routed", flat=True)) == [
        row.pk for row in ranked
    ]
