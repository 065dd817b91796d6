"""Merges, new stored values and splits where an answer holds several labels; and kinds whose answers are no labels."""

from typing import Any

import pytest

from annotation import labels
from annotation.label_changes import ChangeRequest
from annotation.label_disputes import count_settled
from annotation.models import Cause, Item, Label, LabelChange, LabelRevision, LabelState, Resolution, RoutedItem
from annotation.views.label_change_effects import effects_of
from projects.models import Role, User
from projects.project_settings import BadSpec
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.annotation.test_label_changes import change, start, undo
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
MERGE = ChangeRequest("merge", ("junk",), ("spam",))


def span(start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


ANSWERS: dict[str, tuple[Any, Any, Any]] = {
    "choices": (["junk", "spam"], ["spam"], ["ham", "junk"]),
    "spans": (
        [span(0, 2, "junk"), span(3, 5, "ham")],
        [span(0, 2, "spam"), span(3, 5, "ham")],
        [span(0, 1, "junk")],
    ),
}


@pytest.fixture(params=list(ANSWERS))
def scenario(request: pytest.FixtureRequest) -> LabellingScenario:
    answer = {"input": "text"} if request.param == "spans" else {}
    return make_scenario(labels=("ham", "jünk", "junk", "spam"), kind=request.param, answer=answer)


@pytest.fixture
def eva(scenario: LabellingScenario) -> User:
    return make_user("eva", scenario.project, Role.ENGINEER)


def give(scenario: LabellingScenario, value: Any) -> Item:
    [item] = scenario.ask()
    token = scenario.token(scenario.alice)
    said = labels.submit(scenario.project, token, value=value, by=scenario.alice, at=scenario.tick())
    assert said.status == "created", said.error
    return item


def given() -> list[Any]:
    return list(Label.objects.filter(state=LabelState.GIVEN).order_by("item").values_list("value", flat=True))


def agreed() -> list[Any]:
    return list(Resolution.objects.current().order_by("item").values_list("value", flat=True))


def test_a_merge_and_its_undoing_change_the_label_wherever_an_answer_holds_it(
    scenario: LabellingScenario, eva: User
) -> None:
    before, after, _ = ANSWERS[scenario.project.kind]
    give(scenario, before)
    give(scenario, [])
    words = " ".join(effect.words for effect in effects_of(scenario.project, MERGE, NOW)).replace("\xa0", " ")
    assert "1 label of 1 person get spam in place of junk" in words
    assert "1 item agreed as junk get spam in place of junk" in words
    made = change(scenario, MERGE, eva)
    assert given() == agreed() == [after, []] and (made.labels, made.resolutions) == (1, 1)
    assert [row.value for row in LabelRevision.objects.filter(label__value=after).order_by("number")] == [before, after]
    undo(scenario, made, eva)
    assert given() == agreed() == [before, []]


def test_a_new_stored_value_is_found_in_any_script_and_goes_back(scenario: LabellingScenario, eva: User) -> None:
    old = ["jünk"] if scenario.project.kind == "choices" else [span(0, 2, "jünk")]
    new = ["Мусор"] if scenario.project.kind == "choices" else [span(0, 2, "Мусор")]
    give(scenario, old)
    made = change(scenario, ChangeRequest("rename", ("jünk",), ("Мусор",)), eva)
    assert given() == agreed() == [new]
    undo(scenario, made, eva)
    assert given() == agreed() == [old]


def test_a_late_answer_with_a_merged_label_is_undone_with_the_merge(scenario: LabellingScenario, eva: User) -> None:
    before, after, _ = ANSWERS[scenario.project.kind]
    scenario.ask()
    token = scenario.token(scenario.alice)
    made = change(scenario, MERGE, eva)
    labels.submit(scenario.project, token, value=before, by=scenario.alice, at=scenario.tick())
    assert given() == agreed() == [after]
    undo(scenario, made, eva)
    assert given() == agreed() == [before]


def test_a_split_asks_again_about_items_that_hold_the_label(scenario: LabellingScenario, eva: User) -> None:
    before, _, other = ANSWERS[scenario.project.kind]
    items = {give(scenario, before).pk, give(scenario, other).pk}
    give(scenario, [])
    made = change(scenario, ChangeRequest("split", ("junk",), ("scam", "advert")), eva)
    assert made.asked == 2
    asked = RoutedItem.objects.filter(queue=LabelChange.objects.get().queue)
    assert set(asked.values_list("item", flat=True)) == items


@pytest.mark.parametrize("flagged", [False, True])
def test_a_preview_counts_the_disputes_that_the_job_settles(
    scenario: LabellingScenario, eva: User, flagged: bool
) -> None:
    before, after, _ = ANSWERS[scenario.project.kind]
    scenario.ask(overlap=2)
    for who, value in ((scenario.alice, before), (scenario.bob, after)):
        labels.submit(
            scenario.project,
            scenario.token(who),
            value=value,
            by=who,
            at=scenario.tick(),
            flagged=flagged,
        )
    assert RoutedItem.objects.filter(cause=Cause.DISPUTED).count() == 1
    settles = count_settled(scenario.project, {"junk": "spam"})
    made = change(scenario, MERGE, eva)
    assert settles == made.disputes == (0 if flagged else 1)


@pytest.mark.parametrize(("kind", "answer"), [("rating", {"highest": 5}), ("text", {}), ("pair", {})])
def test_kinds_without_labels_say_why_there_is_nothing_to_merge(kind: str, answer: dict[str, Any]) -> None:
    scenario = make_scenario(kind=kind, answer=answer, labels=())
    with pytest.raises(BadSpec, match="not made of labels"):
        start(scenario, MERGE, make_user("eva", scenario.project, Role.ENGINEER))
