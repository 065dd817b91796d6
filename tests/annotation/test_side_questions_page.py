"""The settings page of side questions: what it shows of an edit, and what of a question cannot change any more."""

from typing import Any

import pytest

from annotation import labels
from annotation.side_question_form import COLUMNS
from projects.models import LabelSchema, Project, Role
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW, make_user
from tests.settings_driver import SettingsTab

pytestmark = pytest.mark.django_db
FAILURE = {"name": "failure", "kind": "choices", "labels": [{"value": "price", "hint": "of it"}, {"value": "tone"}]}
SEVERITY = {"name": "severity", "kind": "rating", "answer": {"highest": 3}, "when": ["bad"]}
FIRST = {
    "was": ["failure", "severity", ""],
    "name": ["failure", "severity", ""],
    "kind": ["choices", "rating", "choice"],
}
FORM: dict[str, Any] = {
    **dict.fromkeys(COLUMNS, ["", "", ""]),
    **FIRST,
    "labels": ["price\ntone", "", ""],
    "when": ["", "bad", ""],
    "options": ["", '{"highest": 3}', ""],
    "required": ["no", "no", "no"],
    "state": ["asked", "asked", "asked"],
}


@pytest.fixture
def scenario() -> LabellingScenario:
    made = make_scenario(labels=("good", "bad"), also_ask=[FAILURE, SEVERITY])
    made.ask(1)
    sent: dict[str, Any] = {"value": "bad", "also": {"severity": 2}}
    labels.submit(made.project, made.token(made.alice), **sent, by=made.alice, at=made.tick())
    return made


@pytest.fixture
def tab(scenario: LabellingScenario, client: Any) -> SettingsTab:
    client.force_login(make_user("eva", scenario.project, Role.ENGINEER))
    made = SettingsTab(client, f"/p/{scenario.project.slug}/settings/side-questions/", dict(FORM))
    page = made.open().content.decode()
    assert 'href="/p/' in page and "?also.severity=any" in page
    return made


def in_force(scenario: LabellingScenario) -> list[dict[str, Any]]:
    return list(Project.objects.get(pk=scenario.project.pk).also_ask)


def test_the_form_as_it_is_changes_nothing(scenario: LabellingScenario, tab: SettingsTab) -> None:
    assert "Nothing would change" in tab.look().content.decode()


def test_an_edit_says_what_it_does_and_keeps_what_was_answered(scenario: LabellingScenario, tab: SettingsTab) -> None:
    page = tab.look(
        labels=["tone\nsize", "", ""],
        title=["What failed?", "", ""],
        required=["yes", "no", "no"],
        state=["asked", "retired", "asked"],
        name=["failure", "severity", "why"],
        kind=["choices", "rating", "text"],
    ).content.decode()

    assert "severity is not asked any more." in page and "?also.severity=any" in page
    assert "Labels without an answer to failure are refused" in page
    assert "new, text" in page and "What failed?" in page
    assert in_force(scenario) == [FAILURE, SEVERITY]
    assert tab.save(reason="Ada asked for it").status_code == 302
    assert in_force(scenario) == [
        {
            **{"name": "failure", "kind": "choices", "title": "What failed?", "required": True},
            "labels": [{"value": "tone"}, {"value": "size"}, {"value": "price", "hint": "of it", "retired": True}],
        },
        {**SEVERITY, "retired": True},
        {"name": "why", "kind": "text"},
    ]


def test_a_required_one_says_beside_which_answers_and_a_new_one_all_of_it(
    scenario: LabellingScenario, tab: SettingsTab
) -> None:
    page = tab.look(
        required=["no", "yes", "yes"],
        name=["failure", "severity", "cost"],
        kind=["choices", "rating", "rating"],
        when=["", "bad", "good"],
        options=["", '{"highest": 3}', '{"highest": 4}'],
    ).content.decode()

    assert "Labels of bad without an answer to severity are refused" in page
    assert "Labels of good without an answer to cost are refused" in page
    assert "new, rating, required, asked beside good, " in page and "highest 4" in page
    assert tab.save().status_code == 302
    wider = tab.look(**FORM | {"was": ["failure", "severity", ""], "required": ["no", "yes", "no"], "when": [""] * 3})
    assert "Labels without an answer to severity are refused" in wider.content.decode()


def test_a_place_of_spaces_is_none(scenario: LabellingScenario, tab: SettingsTab) -> None:
    assert "Nothing would change" in tab.look(place=[" ", " 2 ", ""]).content.decode()


def test_places_order_the_questions(scenario: LabellingScenario, tab: SettingsTab) -> None:
    tab.look(place=["2", "1", ""])
    assert tab.save().status_code == 302
    assert [one["name"] for one in in_force(scenario)] == ["severity", "failure"]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"name": ["failure", "severity", "Why not"]}, "it takes 1 to 40 small letters"),
        ({"name": ["failure", "severity", "why"], "options": ["", "", "{"]}, "Options are one JSON object"),
        ({"when": ["worse", "bad", ""]}, "is no answer to the decision; these are: good, bad"),
        ({"place": ["first", "", ""]}, "A place in the order is a whole number"),
        ({"place": ["9" * 5000, "", ""]}, "A place in the order is a whole number"),
    ],
)
def test_what_does_not_fit_is_said_and_the_form_kept(
    scenario: LabellingScenario, tab: SettingsTab, sent: dict[str, Any], why: str
) -> None:
    answer = tab.look(**sent)

    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert in_force(scenario) == [FAILURE, SEVERITY]


def test_a_label_that_was_merged_is_named_by_what_it_counts_as(scenario: LabellingScenario, tab: SettingsTab) -> None:
    merged = [{"value": "good"}, {"value": "bad", "retired": True, "merged_into": "poor"}, {"value": "poor"}]
    LabelSchema.objects.create(project=scenario.project, version=2, labels=merged, created_at=NOW)

    page = tab.open().content.decode()

    assert ">poor</textarea>" in page
    assert "Nothing would change" in tab.look(when=["", "poor", ""]).content.decode()
