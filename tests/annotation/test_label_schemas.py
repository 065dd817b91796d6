"""The page of labels: names, descriptions, keys, colours, order, new labels and retired ones, each as a version."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from annotation import answers, kinds, label_form, label_schemas
from annotation.capture.storage import capture_rows
from annotation.kinds.choice import KIND
from annotation.kinds.choice.shortcuts import keys_of
from annotation.models import Item, Prediction, Resolution
from projects.models import AuditEvent, LabelSchema, Project, Role
from projects.project_settings import BadSpec
from projects.settings_versions import fingerprint
from retraining import datasets
from tests.factories import NOW, make_item, make_prediction, make_project, make_user
from tests.settings_driver import SettingsTab

VALUES = ("ham", "spam", "news")


@pytest.fixture
def project(db):
    return make_project("mail", labels=VALUES)


@pytest.fixture
def engineer(project):
    return make_user("ann", project, Role.ENGINEER)


@pytest.fixture
def tab(client, engineer):
    client.force_login(engineer)
    made = SettingsTab(client, "/p/mail/settings/labels/", sent(rows_of("mail")))
    made.open()
    return made


def rows_of(slug: str) -> list[label_form.EditedLabel]:
    return label_form.LabelsForm(Project.objects.get(slug=slug)).rows


def sent(rows: list[label_form.EditedLabel]) -> dict[str, Any]:
    return {name: [getattr(row, name) for row in rows] for name in label_form.COLUMNS}


def with_changes(*changes: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The form with other texts in some rows; rows 3 to 5 are the empty ones."""
    rows = rows_of("mail")
    for place, change in changes:
        rows[place] = replace(rows[place], **change)
    return sent(rows)


def current() -> list[dict[str, Any]]:
    return Project.objects.get(slug="mail").schema().labels


def publish(project: Project, schema: list[dict[str, Any]], by: Any) -> LabelSchema | None:
    now = Project.objects.get(pk=project.pk).schema().labels
    return label_schemas.publish(project, schema, base=fingerprint(now), reason="", by=by, at=NOW)


def retire(project: Project, value: str, by: Any) -> None:
    schema = [{**label, **({"retired": True} if label["value"] == value else {})} for label in current()]
    publish(project, schema, by)


def test_a_name_a_description_a_key_and_a_colour_are_a_new_version(tab):
    change = with_changes((1, {"title": "Junk", "hint": "Asks for money", "key": "m", "colour": "4"}))
    page = tab.look(**change).content.decode()
    for words in ("Name of spam", "Description of spam", "Key of spam", "Colour of spam", "Red"):
        assert words in page
    assert tab.save(reason="people say junk").status_code == 302
    assert current()[1] == {"value": "spam", "title": "Junk", "hint": "Asks for money", "key": "m", "colour": "4"}
    made = LabelSchema.objects.get(version=2)
    assert (made.created_by.username, made.reason) == ("ann", "people say junk")
    assert AuditEvent.objects.get(action="labels.change").details["renamed"] == ["spam"]


def test_a_new_label_stands_where_its_place_says(tab):
    tab.look(**with_changes((3, {"value": "bill", "place": "2"})))
    tab.save()
    assert [label["value"] for label in current()] == ["ham", "bill", "spam", "news"]


@pytest.mark.parametrize(("place", "order"), [("1", ["news", "ham", "spam"]), ("2", ["ham", "news", "spam"])])
def test_a_label_moves_up_before_the_one_whose_place_it_gets(tab, place, order):
    tab.look(**with_changes((2, {"place": place})))
    tab.save()
    assert [label["value"] for label in current()] == order


def test_a_label_moves_down_behind_the_one_whose_place_it_gets(tab):
    page = tab.look(**with_changes((0, {"place": "2"}))).content.decode()
    assert "Key of ham" in page  # a key that follows from the place moves with it
    tab.save()
    assert [label["value"] for label in current()] == ["spam", "ham", "news"]


def test_retiring_says_what_happens_to_labels_and_to_predictions(tab, project):
    for _ in range(3):
        item = make_item(project)
        Resolution.objects.create(
            project=project, item=item, value="spam", method="single", quality=1, votes=1, resolved_at=NOW
        )
    make_prediction(make_item(project, at=timezone.now()), [0.1, 0.9, 0.0], model_version="live-7")
    page = tab.look(**with_changes((1, {"state": "retired"}))).content.decode()
    assert "3\N{NO-BREAK SPACE}items agreed as spam keep it" in page
    assert "by live-7, said spam" in page
    assert "?truth=spam" in page


def test_a_retired_label_is_not_offered_and_keeps_its_place_and_the_others_their_keys(project, engineer):
    retire(project, "ham", engineer)
    form = KIND.form(current())
    assert [(button["value"], button["key"]) for button in form["buttons"]] == [("spam", "2"), ("news", "3")]
    assert Project.objects.get(slug="mail").schema().values() == list(VALUES)


def test_people_are_refused_a_retired_label_and_models_are_not(project, engineer):
    retire(project, "ham", engineer)
    now = Project.objects.get(slug="mail")
    with pytest.raises(answers.AnswerRefused, match="spam, news"):
        answers.validate_answer(now, value="ham", skip=False, flagged=False, comment="", seconds=None)
    row = {"key": "k", "inputs": {"text": "hello"}, "scores": {"ham": 0.9, "spam": 0.1}}
    capture_rows(now, [row], at=NOW)
    assert Prediction.objects.get().label == "ham"


def test_items_of_a_retired_label_are_left_out_of_training_and_come_back_with_it(project, engineer):
    for value in ("ham", "spam"):
        Resolution.objects.create(
            project=project,
            item=make_item(project, inputs={"text": value}),
            value=value,
            method="single",
            quality=1,
            votes=1,
            resolved_at=NOW,
        )
    retire(project, "ham", engineer)
    planned = datasets.plan_dataset(Project.objects.get(slug="mail"), at=NOW)
    assert [row.value for row in planned.rows] == ["spam"]
    assert planned.left_out == 1
    publish(project, [{"value": value} for value in VALUES], engineer)
    planned = datasets.plan_dataset(Project.objects.get(slug="mail"), at=NOW)
    assert {row.value for row in planned.rows} == {"ham", "spam"}
    assert Item.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((3, {"value": "spam"}), "stands in the list twice"),
        ((3, {"value": "sраm"}), "look alike"),  # Cyrillic letters
        ((3, {"title": "Bill"}), "needs a value"),
        ((1, {"key": "u"}), "takes a digit"),  # undo
        ((1, {"key": "é"}), "takes a digit"),
        ((1, {"place": "first"}), "whole number"),
        ((1, {"colour": "pink"}), "colour"),
    ],
)
def test_what_cannot_be_is_refused_and_the_form_keeps_it(tab, change, words):
    answer = tab.look(**with_changes(change))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert next(iter(change[1].values())) in page
    assert LabelSchema.objects.count() == 1


def test_a_label_that_settings_name_is_not_retired(project, engineer):
    Project.objects.filter(pk=project.pk).update(positive="spam", costs={"false_negative": 3})
    with pytest.raises(BadSpec, match="choose another one under Costs"):
        retire(project, "spam", engineer)
    Project.objects.filter(pk=project.pk).update(positive="", costs={}, retraining={"protected": ["label=spam"]})
    with pytest.raises(BadSpec, match="protected"):
        retire(project, "spam", engineer)


def test_two_labels_are_always_offered_and_no_value_is_taken_out(project, engineer):
    retire(project, "ham", engineer)
    with pytest.raises(BadSpec, match="At least two"):
        retire(project, "news", engineer)
    with pytest.raises(BadSpec, match="retired, not taken out"):
        publish(project, [{"value": "spam"}, {"value": "news"}], engineer)


def test_an_old_tab_is_refused_with_its_entries_kept(tab, project, engineer):
    tab.look(**with_changes((0, {"title": "Wanted"})))
    retire(project, "news", engineer)
    refused = tab.save()
    assert refused.status_code == 409
    assert "Wanted" in refused.content.decode()
    assert LabelSchema.objects.count() == 2


def test_the_same_save_twice_is_one_version(tab):
    tab.look(**with_changes((0, {"title": "Wanted"})))
    assert [tab.save().status_code for _ in range(2)] == [302, 302]
    assert LabelSchema.objects.count() == 2


def test_thirty_labels_take_one_form(client, project, engineer):
    publish(project, [*({"value": value} for value in VALUES), *({"value": f"topic {n}"} for n in range(27))], engineer)
    client.force_login(engineer)
    page = client.get("/p/mail/settings/labels/").content.decode()
    assert page.count('name="place"') == 30 + label_form.EMPTY_ROWS


def test_own_keys_stand_beside_those_by_place() -> None:
    schema: list[dict[str, Any]] = [
        {"value": "a", "key": "2"},
        {"value": "b"},
        {"value": "c"},
        {"value": "d", "retired": True},
    ]
    assert keys_of(schema) == ["2", "", "3", ""]
    assert [label["value"] for label in kinds.offered(schema)] == ["a", "b", "c"]
