"""Django's admin under our policy: nothing refused, nothing in the console; append-only tables take no edit."""

import pytest
from playwright.sync_api import expect

TABLES = ["projects/auditevent", "annotation/labelrevision", "retraining/release", "jobs/job", "annotation/prediction"]


@pytest.mark.parametrize(
    "table", [*TABLES, "projects/user", "projects/project", "annotation/queue", "axes/accessattempt"]
)
def test_a_table_opens_clean(open_page, table):
    tab = open_page(f"/admin/{table}/", who="admin").page
    expect(tab.locator("#changelist")).to_be_visible()


@pytest.mark.parametrize("table", TABLES)
def test_what_happened_is_shown_and_not_edited(open_page, table):
    tab = open_page(f"/admin/{table}/", who="admin").page
    expect(tab.locator(".object-tools a.addlink")).to_have_count(0)
    tab.locator("#result_list tbody th a").first.click()
    expect(tab.locator(".submit-row a")).to_have_text("Close")
    expect(tab.locator(".submit-row input")).to_have_count(0)


def test_an_edit_stands_in_the_audit_trail(open_page):
    tab = open_page("/admin/annotation/queue/", who="admin").page
    tab.locator("#result_list tbody th a").first.click()
    tab.get_by_label("Weight").fill("2")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    event = open_page("/admin/projects/auditevent/?action=console.change", who="admin").page
    expect(event.locator("#result_list")).to_contain_text("annotation.Queue")
