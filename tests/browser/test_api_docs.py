"""The API's page for people: a call is sent from it with a pasted key, and its answer is shown."""

import os
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_pages import layout_faults, violations


def test_a_call_is_sent_from_the_page_with_an_example_of_the_project(open_page: Callable[..., Watched]) -> None:
    made = open_page("/p/digits/keys/", who="engineer").page
    made.get_by_label("What it is for").fill("Trying calls")
    for scope in ("Ingest", "Read"):
        made.get_by_label(scope, exact=True).check()
    made.get_by_role("button", name="Make key").click()
    key = str(made.locator("[data-focus] code").text_content())

    watched = open_page("/api/v1/docs?project=digits", who="engineer")
    tab = watched.page
    form = tab.get_by_role("form", name="Try: Capture predictions")
    tab.locator("pl-call[path$='/predictions'] summary").click()
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("401")
    watched.problems = [problem for problem in watched.problems if not problem.startswith("401 from")]

    tab.get_by_label("Key", exact=True).fill(key)
    form.get_by_label("dry_run", exact=True).fill("1")  # the other tests share the project
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("200 OK")
    expect(form.locator("pre")).to_contain_text('"created": 1')

    listed = tab.get_by_role("form", name="Try: List items, newest first unless sorted")
    tab.locator("pl-call[path$='/items'][method=GET] summary").click()
    listed.get_by_label("q", exact=True).fill("no such item")
    listed.get_by_role("button", name="Send").click()
    expect(listed.locator("pre")).to_contain_text('"items": []')
    if folder := os.environ.get("PICTURES"):
        tab.screenshot(path=f"{folder}/docs.png")
        listed.screenshot(path=f"{folder}/docs-call.png")
    assert violations(tab) == layout_faults(tab, smallest=24) == []
    tab.set_viewport_size({"width": 390, "height": 844})
    assert layout_faults(tab, smallest=44) == []
