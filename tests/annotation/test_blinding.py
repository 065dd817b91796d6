"""Who may see what was said of an item, and what the desk shows as the reason."""

from datetime import timedelta

import pytest

from annotation import blinding, labels, resolution
from annotation.models import Cause, Item, RoutedItem, RoutedState
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario()


@pytest.mark.parametrize(
    ("cause", "evaluation", "seen"),
    [
        (Cause.UNCERTAIN, False, True),
        (Cause.UNCERTAIN, True, False),
        (Cause.AUDIT, True, False),
        (Cause.GOLD, False, False),
        (Cause.DISPUTED, True, False),
    ],
)
def test_evaluation_items_are_blind_while_they_are_open(
    scenario: LabellingScenario, cause: Cause, evaluation: bool, seen: bool
) -> None:
    (item,) = scenario.ask(1, cause=cause, evaluation=evaluation)
    for state, now in ((RoutedState.OPEN, seen), (RoutedState.REVIEW, seen), (RoutedState.DONE, True)):
        RoutedItem.objects.filter(item=item).update(state=state)
        assert blinding.may_see(item, scenario.alice) is now
    assert blinding.may_see(item, None)


def test_who_answered_or_skipped_sees_and_who_took_it_back_does_not(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, cause=Cause.AUDIT, overlap=2, evaluation=True)
    token = scenario.token(scenario.alice)
    labels.submit(scenario.project, token, value="ham", by=scenario.alice, at=scenario.tick())
    assert blinding.may_see(item, scenario.alice)
    assert not blinding.may_see(item, scenario.bob)
    labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick(timedelta(seconds=1)))
    assert not blinding.may_see(item, scenario.alice)
    assert blinding.blind_among(scenario.project, scenario.alice, [item.pk, 0]) == {item.pk}


def test_what_the_audit_drew_is_blind_before_a_queue_has_it_and_until_it_is_settled(
    scenario: LabellingScenario,
) -> None:
    items = [make_item(scenario.project, audit_number=0.1, audit_probability=0.2) for _ in range(3)]
    other = make_item(scenario.project, audit_number=0.3, audit_probability=0.2)
    ids = [item.pk for item in [*items, other]]
    assert blinding.blind_among(scenario.project, scenario.rita, ids) == {item.pk for item in items}
    resolution.resolve_by_person(items[0], value="ham", by=scenario.rita, at=scenario.tick())
    resolution.decide_no_label(items[1], reason="cut off", by=scenario.rita, at=scenario.tick())
    Item.objects.filter(pk=items[2].pk).update(audit_probability=0.05)  # thinned
    assert blinding.blind_among(scenario.project, scenario.rita, ids) == set()


def test_an_annotated_condition_is_true_or_false_and_the_same(scenario: LabellingScenario) -> None:
    make_item(scenario.project)  # of no draw
    make_item(scenario.project, audit_number=0.3, audit_probability=0.2)
    drawn = make_item(scenario.project, audit_number=0.1, audit_probability=0.2)
    (queued,) = scenario.ask(1, cause=Cause.AUDIT, evaluation=True)
    for viewer, blind in ((scenario.rita, {drawn.pk, queued.pk}), (None, set())):
        rows = Item.objects.annotate(blind=blinding.is_blind(scenario.project, viewer)).values_list("pk", "blind")
        assert dict(rows) == {pk: pk in blind for pk, _ in rows}
        assert set(blinding.blind_items(scenario.project, viewer).values_list("pk", flat=True)) == blind


def test_no_look_at_what_is_blind_goes_through_all_items(scenario: LabellingScenario) -> None:
    plan = blinding.blind_items(scenario.project, scenario.rita).explain()
    assert "routed_by_state" in plan and "audit_by_chance" in plan
    assert "SCAN annotation_item" not in plan


def test_settings_that_cannot_be_read_show_no_reason(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    routed = RoutedItem.objects.get()
    scenario.project.routing = {"show_reasons": "x"}
    assert blinding.shown_reason(scenario.project, routed) is None
    scenario.project.routing = {"show_reasons": True}
    assert blinding.shown_reason(scenario.project, routed)
