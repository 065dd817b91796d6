"""Every page of settings: an edit is shown before it is made, is a version with who and why, and is never lost."""

from dataclasses import dataclass
from typing import Any

import pytest

from annotation import queues
from annotation.models import Cause
from projects.models import AuditEvent, Project, Role, SettingsVersion
from tests.factories import NOW, make_project, make_user
from tests.settings_driver import SettingsTab

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Edit:
    """A page, what its form holds at first, an edit of it, another edit, and a value that it refuses."""

    path: str
    area: str
    first: dict[str, Any]
    edit: dict[str, Any]
    shown: str
    other: dict[str, Any]
    bad: dict[str, Any]

    def __str__(self) -> str:
        return self.area


QUEUE = {"title": "Uncertain", "strategy": "auto", "order": "priority", "overlap": "1", "weight": "1"}
NO_QUESTION = {
    "was": "",
    **dict.fromkeys(("name", "title", "labels", "when", "options", "place"), ""),
    **{"kind": "choices", "required": "no", "state": "asked"},
}
EDITS = [
    Edit(
        "settings/",
        "general",
        {"title": "Mail", "outcome_matures_after_days": "0"},
        {"title": "Mail of 2027"},
        "Mail of 2027",
        {"outcome_matures_after_days": "30"},
        {"title": " "},
    ),
    Edit(
        "settings/costs/",
        "costs",
        {},
        {"positive": "spam", "false_negative": "5.5"},
        "5.5",
        {"safe_default": "ham"},
        {"false_negative": "-1"},
    ),
    Edit(
        "settings/routing/",
        "routing",
        {"overlap": "1"},
        {"audit_share": "0.35"},
        "0.35",
        {"overlap": "3"},
        {"audit_share": "0"},
    ),
    Edit(
        "settings/retraining/",
        "retraining",
        {},
        {"after_labels": "1,200", "promote": "by_gate"},
        "1,200",
        {"cooldown_minutes": "7.5"},
        {"protected": "label=eggs"},
    ),
    Edit(
        "settings/side-questions/",
        "side_questions",
        NO_QUESTION,
        {"name": "mood", "kind": "rating"},
        "new, rating",
        {"name": "reason", "kind": "text"},
        {"name": "Mood?"},
    ),
    Edit(
        "queues/uncertain/settings",
        "queue:uncertain",
        QUEUE,
        {"strategy": "margin", "daily_budget": "40"},
        "margin",
        {"overlap": "2"},
        {"weight": "-1"},
    ),
]
each_page = pytest.mark.parametrize("edit", EDITS, ids=str)


@pytest.fixture
def project():
    made = make_project("mail", title="Mail")
    queues.ensure(made, Cause.UNCERTAIN, at=NOW)
    return made


@pytest.fixture
def engineer(project):
    return make_user("ann", project, Role.ENGINEER)


@pytest.fixture
def open_tab(client, project, engineer):
    def opened(edit: Edit) -> SettingsTab:
        client.force_login(engineer)
        tab = SettingsTab(client, f"/p/mail/{edit.path}", dict(edit.first))
        assert tab.open().status_code == 200
        return tab

    return opened


def in_force(edit: Edit) -> dict[str, Any]:
    project = Project.objects.get(slug="mail")
    row = project.queues.get() if edit.area.startswith("queue") else project
    columns = ("also_ask", "title", "costs", "routing", "retraining", "overlap", "positive", "safe_default", "strategy")
    more = ("daily_budget", "outcome_matures_after_days", "weight")
    return {name: getattr(row, name) for name in (*columns, *more) if hasattr(row, name)}


@each_page
def test_an_edit_is_shown_first_and_writes_nothing(open_tab, edit):
    before = in_force(edit)
    page = open_tab(edit).look(**edit.edit).content.decode()
    assert "What will change?" in page
    assert edit.shown in page
    assert in_force(edit) == before
    assert not SettingsVersion.objects.exists()


@each_page
def test_what_was_shown_is_saved_as_a_version_with_who_and_why(open_tab, engineer, edit):
    before = in_force(edit)
    tab = open_tab(edit)
    tab.look(**edit.edit)
    assert tab.save(reason="too many misses").status_code == 302
    assert in_force(edit) != before
    first, second = SettingsVersion.objects.order_by("version")
    assert (first.area, first.version, first.created_by) == (edit.area, 1, None)
    assert (second.version, second.created_by, second.reason) == (2, engineer, "too many misses")
    event = AuditEvent.objects.get(action=f"settings.{edit.area}")
    assert event.details["reason"] == "too many misses"
    page = tab.open().content.decode()
    assert "too many misses" in page
    assert edit.shown in page


@each_page
def test_the_same_save_twice_is_one_change(open_tab, edit):
    tab = open_tab(edit)
    tab.look(**edit.edit)
    assert [tab.save().status_code for _ in range(2)] == [302, 302]
    assert SettingsVersion.objects.count() == 2
    assert AuditEvent.objects.filter(action=f"settings.{edit.area}").count() == 1


@each_page
def test_an_edit_of_what_another_has_changed_is_refused_and_kept_in_the_form(open_tab, edit):
    mine, other = open_tab(edit), open_tab(edit)
    mine.look(**edit.edit)
    other.look(**edit.other)
    other.save()
    before = in_force(edit)
    refused = mine.save()
    assert refused.status_code == 409
    assert in_force(edit) == before
    page = refused.content.decode()
    assert "Not saved." in page
    assert "ann changed" in page
    assert edit.shown in page  # what was entered
    assert mine.save().status_code == 302  # having seen what it changes of the newer version


@each_page
def test_what_a_project_cannot_have_is_refused_with_its_field(open_tab, edit):
    before = in_force(edit)
    assert open_tab(edit).look(**edit.bad).status_code == 422
    assert in_force(edit) == before


@each_page
def test_a_form_that_was_changed_after_it_was_shown_is_shown_again(open_tab, edit):
    before = in_force(edit)
    tab = open_tab(edit)
    tab.look(**edit.edit)
    page = tab.save(**edit.other).content.decode()
    assert "look again" in page
    assert in_force(edit) == before


@each_page
def test_what_the_console_changed_meanwhile_is_a_version_too(open_tab, edit):
    tab = open_tab(edit)
    tab.look(**edit.edit)
    tab.save()
    project = Project.objects.filter(slug="mail")
    if edit.area.startswith("queue"):
        project.get().queues.update(weight=9)
    else:
        console = {"general": "title", "costs": "safe_default", "routing": "routing", "retraining": "retraining"}
        column = console.get(edit.area, "also_ask")
        values: dict[str, Any] = {"title": "By console", "safe_default": "spam", "routing": {"batch": 7}}
        values["also_ask"] = [{"name": "why", "kind": "text"}]
        project.update(**{column: values.get(column, {"after_labels": 7})})
    assert tab.save().status_code == 409
    assert tab.save().status_code == 302
    reasons = list(SettingsVersion.objects.order_by("version").values_list("reason", flat=True))
    assert reasons == ["As it was made", "", "Changed outside of this page", ""]


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER])
@each_page
def test_only_engineers_and_admins_change_settings(client, project, edit, role):
    client.force_login(make_user("rob", project, role))
    before = in_force(edit)
    assert client.post(f"/p/mail/{edit.path}", {**edit.first, **edit.edit, "act": "save"}).status_code == 403
    assert in_force(edit) == before


def test_a_reason_longer_than_its_column_is_refused_with_the_form_kept(open_tab):
    tab = open_tab(EDITS[0])
    tab.look(title="Mail of 2027")
    answer = tab.save(reason="x" * 301)
    assert answer.status_code == 422
    assert "Mail of 2027" in answer.content.decode()


def test_the_retraining_page_says_what_each_trigger_would_say(open_tab):
    page = open_tab(EDITS[3]).look(after_labels="9").content.decode()
    assert "0 of 9 new labels" in page


def test_no_costs_without_a_positive_label(open_tab):
    answer = open_tab(EDITS[1]).look(false_negative="5")
    assert answer.status_code == 422
    assert "costs need positive" in answer.content.decode()
