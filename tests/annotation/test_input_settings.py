"""The page of the input contract: inputs are added and their rules changed as versions, tried on what is here first."""

from dataclasses import replace
from typing import Any

import pytest

from annotation import input_form
from annotation.capture.storage import capture_rows
from annotation.models import Item
from projects.models import AuditEvent, InputContract, Project, Role
from tests.factories import NOW, make_item, make_project, make_user
from tests.settings_driver import SettingsTab

INPUTS: dict[str, Any] = {
    "amount": {"type": "number", "min": 0},
    "country": {"type": "category", "values": ["NO", "SE"], "required": False},
}


@pytest.fixture
def project(db):
    made = make_project("pay", inputs=INPUTS)
    for amount in (5, 50, 500):
        make_item(made, inputs={"amount": amount, "country": None})
    return made


@pytest.fixture
def tab(client, project):
    client.force_login(make_user("ann", project, Role.ENGINEER))
    made = SettingsTab(client, "/p/pay/settings/inputs/", with_changes())
    made.open()
    return made


def with_changes(*changes: tuple[int, dict[str, str]], segments: str = "") -> dict[str, Any]:
    """The form with other texts in some rows; rows 2 and 3 are the empty ones."""
    rows = input_form.InputsForm(Project.objects.get(slug="pay")).rows
    for place, change in changes:
        rows[place] = replace(rows[place], **change)
    sent: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in input_form.COLUMNS}
    return sent | {"segments": segments, "contract_violations": "refuse"}


def row_of(name: str) -> int:
    rows = input_form.InputsForm(Project.objects.get(slug="pay")).rows
    return next(place for place, row in enumerate(rows) if row.was == name)


def test_the_form_as_it_is_changes_nothing(tab):
    assert "Nothing would change" in tab.look().content.decode()


def test_a_new_range_is_tried_on_the_items_that_are_here(tab):
    page = tab.look(**with_changes((row_of("amount"), {"max": "100"}))).content.decode()
    assert "Of the newest 3\N{NO-BREAK SPACE}items, 1 would break the new rule of amount; now it is 0" in page
    assert InputContract.objects.count() == 1


def test_a_change_is_a_version_which_later_rows_are_held_against(tab, project):
    tab.look(**with_changes((row_of("amount"), {"max": "100"})))
    assert [tab.save(reason="cents before").status_code for _ in range(2)] == [302, 302]
    made = InputContract.objects.get(version=2)
    assert (made.inputs["amount"], made.reason, made.created_by.username) == (
        {"type": "number", "min": 0, "max": 100},
        "cents before",
        "ann",
    )
    assert AuditEvent.objects.get(action="inputs.change").details["inputs"] == ["amount"]
    now = Project.objects.get(slug="pay")
    rows = [{"key": key, "inputs": {"amount": amount}} for key, amount in (("in", 99), ("out", 101))]
    capture_rows(now, rows, at=NOW)
    assert list(Item.objects.filter(key__in=["in", "out"]).values_list("key", "contract_version")) == [("in", 2)]


def test_an_input_is_added_with_a_word_about_rows_that_lack_it(tab):
    page = tab.look(**with_changes((2, {"name": "channel", "type": "category", "values": "app\nweb"}))).content.decode()
    assert "Items that are here have no channel. Rows without it break the contract" in page
    tab.save()
    added = InputContract.objects.get(version=2).inputs["channel"]
    assert added == {"type": "category", "values": ["app", "web"]}


def test_categories_segments_and_null_are_changed(tab):
    change = with_changes((row_of("country"), {"values": "NO\nSE\nDK", "nullable": "no"}), segments="channel\nteam")
    page = tab.look(**change).content.decode()
    assert "NO, SE, DK" in page
    assert "channel, team" in page
    tab.save()
    made = InputContract.objects.get(version=2)
    assert made.inputs["country"]["nullable"] is False
    assert made.segments == ["channel", "team"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "x", "type": "number", "min": "ten"}, "min takes a number"),
        ({"name": "x", "type": "number", "min": "9", "max": "1"}, "more than max"),
        ({"name": "x", "type": "text", "min": "1"}, "it takes"),
        ({"name": "x", "type": "parrot"}, "needs a type"),
        ({"name": "amount"}, "twice"),
    ],
)
def test_what_no_contract_can_have_is_refused_and_kept_in_the_form(tab, change, words):
    answer = tab.look(**with_changes((2, change)))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'value="{change["name"]}"' in answer.content.decode()


def test_another_type_for_an_input_that_is_there_is_refused(tab):
    answer = tab.look(**with_changes((row_of("amount"), {"type": "text", "min": ""})))
    assert answer.status_code == 422
    assert "a new name is needed" in answer.content.decode()


def test_an_edit_of_an_older_version_is_refused_and_kept(tab, project):
    tab.look(**with_changes((row_of("amount"), {"max": "100"})))
    InputContract.objects.create(project=project, version=2, inputs=INPUTS, segments=["team"], created_at=NOW)
    refused = tab.save()
    assert refused.status_code == 409
    assert 'value="100"' in refused.content.decode()
    assert InputContract.objects.count() == 2


def test_what_becomes_of_a_row_that_breaks_the_contract_is_a_version_and_has_its_effect(tab, project):
    page = " ".join(tab.look(contract_violations="keep").content.decode().split())
    assert "A row that breaks the contract" in page and "Keep the row without the value" in page
    assert [tab.save(reason="count first").status_code for _ in range(2)] == [302, 302]
    now = Project.objects.get(slug="pay")
    assert now.contract_violations == "keep"
    assert InputContract.objects.count() == 1
    assert AuditEvent.objects.get(action="settings.inputs").details["contract_violations"] == "keep"
    assert capture_rows(now, [{"key": "k", "inputs": {"amount": -1}}], at=NOW).created == 1
    assert "count first" in tab.open().content.decode()
    assert "is refused" in tab.look(contract_violations="refuse").content.decode()


def test_a_rule_and_what_becomes_of_rows_that_break_it_are_saved_together(tab, project):
    change = with_changes((row_of("amount"), {"max": "100"}))
    tab.look(**{**change, "contract_violations": "keep"})
    assert tab.save().status_code == 302
    now = Project.objects.get(slug="pay")
    assert (now.contract_violations, now.contract().inputs["amount"]["max"]) == ("keep", 100)
    assert tab.look(**{**with_changes(), "contract_violations": "other"}).status_code == 422
