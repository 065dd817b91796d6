"""Who may see what was said of an item, and what the desk shows as the reason."""

from datetime import timedelta

import pytest

from annotation import blinding, labels
from annotation.models import Cause, RoutedItem, RoutedState
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario

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


def test_settings_that_cannot_be_read_show_no_reason(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    routed = RoutedItem.objects.get()
    scenario.project.routing = {"show_reasons": "x"}
    assert blinding.shown_reason(scenario.project, routed) is None
    scenario.project.routing = {"show_reasons": True}
    assert blinding.shown_reason(scenario.project, routed)
