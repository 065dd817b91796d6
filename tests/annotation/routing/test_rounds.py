"""A round of routing: what is asked, why, with what probability, and that any item can be reached."""

from datetime import timedelta

import numpy as np
import pytest

from annotation import queues, rescoring, routing
from annotation.models import Cause, Item, Queue, RoutedItem, RoutedState, Slot, SlotState
from annotation.routing.capacity import Places
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS, routing={"batch": 40, "waiting": 40, "audit_share": 0.25})


def route(project: Project, seed: int = 1, **options: object) -> routing.Routed:
    return routing.route(project, at=NOW, seed=seed, **options)  # type: ignore[arg-type]


def test_fills_the_queues_with_uncertain_and_audit_items(project: Project) -> None:
    fill(project, 200)
    routed = route(project)
    assert routed.by_cause[Cause.AUDIT] >= 10  # and what the active part chose of the items that the audit drew
    assert routed.by_cause[Cause.UNCERTAIN] >= 12
    assert sum(routed.by_cause.values()) == 40
    assert Slot.objects.filter(state=SlotState.OPEN).count() == 40
    assert route(project).by_cause == {}


def test_every_routed_item_has_cause_reason_numbers_and_probability(project: Project) -> None:
    fill(project, 200)
    route(project)
    for row in RoutedItem.objects.select_related("item"):
        assert row.reason
        assert 0 < row.inclusion_probability <= 1
        assert row.numbers
        assert row.evaluation == row.item.is_drawn == (row.cause == Cause.AUDIT)
        assert row.inclusion_probability == (row.item.audit_probability if row.item.asked_at is None else 1)


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


def test_an_item_both_chosen_and_drawn_is_asked_once_blind_and_stands_for_itself() -> None:
    project = make_project(inputs=NUMBERS, routing={"batch": 60, "waiting": 60, "audit_share": 0.5})
    fill(project, 100)
    route(project)
    both = RoutedItem.objects.filter(cause=Cause.AUDIT, item__asked_at__isnull=False)
    assert both.exists()
    assert all(row.evaluation and row.numbers["also_active"] for row in both)
    assert all((row.inclusion_probability, row.audit_probability) == (1, 0.5) for row in both)


def test_the_choice_is_blind_to_the_audit_draws(project: Project) -> None:
    """The same traffic with other draws: what the active part chooses is the same up to where it stops."""
    items = fill(project, 300)
    route(project, places=Places(active=30, audit=0))
    first = list(Item.objects.filter(asked_at__isnull=False).order_by("asked_rank").values_list("pk", flat=True))
    RoutedItem.objects.all().delete()
    Item.objects.update(asked_at=None, asked_rank=None, in_pool=True, audit_number=0.9)
    Item.objects.filter(pk__in=[item.pk for item in items[::2]]).update(audit_number=0.01, audit_probability=0.2)

    route(project, places=Places(active=30, audit=0))

    second = list(Item.objects.filter(asked_at__isnull=False).order_by("asked_rank").values_list("pk", flat=True))
    shared = min(len(first), len(second))
    assert shared >= 30
    assert first[:shared] == second[:shared]


def test_an_item_that_a_person_labelled_meanwhile_is_chosen_and_costs_no_second_answer(project: Project) -> None:
    fill(project, 60)
    for item in Item.objects.all():
        item.resolutions.create(
            project=project, value="ham", method="single", quality=1, votes=1, evaluation=True, resolved_at=NOW
        )
    assert [route(project).by_cause for _ in range(3)] == [{}] * 3
    assert not Item.objects.filter(in_pool=True).exists()


def test_what_a_person_queues_leaves_the_pool(project: Project) -> None:
    items = fill(project, 5)
    queue = queues.create(project, title="Scanner C", cause="slice", by=None, at=NOW)
    entry = queues.Entry(items[0].pk, "chosen by hand", {}, 1.0, 0.5)
    queues.add_entries(queue, [entry], at=NOW)
    items[0].refresh_from_db()
    assert (items[0].in_pool, items[0].asked_at) == (False, None)


def test_asks_nothing_when_enough_waits(project: Project) -> None:
    fill(project, 200)
    route(project)
    routed = route(project, seed=2)
    assert (routed.by_cause, routed.words) == ({}, "Enough items wait for people already.")


def test_items_without_scores_are_asked_typical_first(project: Project) -> None:
    fill(project, 150, scored=False)
    routed = route(project)
    assert routed.by_cause.get(Cause.TYPICAL, 0) >= 15
    assert Cause.UNCERTAIN not in routed.by_cause


def test_the_last_items_are_asked_although_they_are_much_alike(project: Project) -> None:
    for _ in range(12):
        item = make_item(project, inputs={"a": 1.0, "b": 1.0})
        make_prediction(item, [0.6, 0.4])
    route(project)
    reasons = set(RoutedItem.objects.exclude(cause=Cause.AUDIT).values_list("reason", flat=True))
    assert RoutedItem.objects.count() == 12
    assert any("much like an item that is asked or labelled" in reason for reason in reasons)


def test_items_captured_before_the_window_are_reached_when_it_holds_too_few(project: Project) -> None:
    fill(project, 200, start=NOW - timedelta(days=400))
    fill(project, 5, start=NOW - timedelta(hours=1), seed=3)
    assert sum(route(project).by_cause.values()) == 40


def test_the_same_seed_routes_the_same_items(project: Project) -> None:
    fill(project, 200)
    found = []
    for _ in range(2):
        route(project, seed=3)
        found.append(sorted(RoutedItem.objects.values_list("item__key", "cause", "priority")))
        RoutedItem.objects.all().delete()
        Item.objects.update(asked_at=None, asked_rank=None, in_pool=True)
    assert found[0] == found[1]


def test_a_daily_budget_ends_what_routing_puts_into_a_queue(project: Project) -> None:
    fill(project, 200)
    queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    Queue.objects.filter(cause=Cause.UNCERTAIN).update(daily_budget=3)
    for seed in range(5):
        route(project, seed=seed)
        RoutedItem.objects.update(state=RoutedState.DONE)
    assert RoutedItem.objects.filter(cause=Cause.UNCERTAIN).count() == 3


def test_a_queue_has_a_strategy_and_an_order_of_its_own(project: Project) -> None:
    items = fill(project, 200)
    queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    Queue.objects.filter(cause=Cause.UNCERTAIN).update(strategy="entropy", order="newest")
    route(project)
    rows = RoutedItem.objects.filter(cause=Cause.UNCERTAIN).order_by("-priority").select_related("item")
    assert {row.strategy for row in rows} == {"entropy"}
    moments = [row.item.at for row in rows]
    assert moments == sorted(moments, reverse=True)
    assert len(items) == 200


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


def test_a_queue_that_draws_at_random_does_so_before_any_model_scores(project: Project) -> None:
    fill(project, 120, scored=False)
    queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    Queue.objects.filter(cause=Cause.UNCERTAIN).update(strategy="random")
    assert route(project).strategy == "random"
