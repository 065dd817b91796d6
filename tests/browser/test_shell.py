"""The frame of every page: menus, keys, theme, questions before what cannot be undone, and words when a call fails."""

import re

import pytest
from playwright.sync_api import expect

JOBS = "/p/digits/jobs/"


def test_on_a_phone_the_pages_stand_behind_a_button(open_page):
    tab = open_page("/p/digits/runs/", who="engineer", width=390, height=844).page
    nav = tab.get_by_role("navigation", name="Pages of the project")
    expect(nav).to_be_hidden()
    tab.get_by_role("button", name="Menu").click()
    expect(nav.get_by_role("link", name="Items")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(nav).to_be_hidden()
    expect(tab.get_by_role("button", name="Menu")).to_be_focused()
    tab.get_by_role("button", name="Menu").click()
    nav.get_by_role("link", name="Items").click()
    expect(tab).to_have_url(re.compile("/items/$"))


def test_the_current_place_is_marked_once(open_page):
    tab = open_page("/p/digits/runs/", who="engineer").page
    marked = tab.locator(".nav [aria-current=page]")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("Runs")


def test_a_menu_closes_by_escape_and_by_a_click_beside_it(open_page):
    tab = open_page("/account/", who="engineer").page
    account = tab.locator("summary", has_text="Account")
    account.click()
    expect(tab.get_by_role("button", name="Sign out")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(account).to_be_focused()
    account.click()
    tab.locator("h1").click()
    expect(tab.get_by_role("button", name="Sign out")).to_be_hidden()


def test_the_question_mark_shows_the_keys_but_not_while_typing(open_page):
    tab = open_page("/account/", who="reviewer").page
    dialog = tab.get_by_role("dialog", name="Keys")
    tab.get_by_label("Search").press("?")
    expect(dialog).to_be_hidden()
    tab.locator("h1").click()
    tab.keyboard.press("?")
    expect(dialog).to_be_visible()
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_keys_can_be_changed_and_switched_off(open_page):
    tab = open_page("/account/", who="annotator").page
    dialog = tab.get_by_role("dialog", name="Keys")
    tab.get_by_label("Show the keys").fill("z")
    tab.get_by_role("button", name="Save keys").click()
    tab.get_by_text("Keys saved.").wait_for()
    tab.wait_for_load_state()
    tab.keyboard.press("?")
    expect(dialog).to_be_hidden()
    tab.keyboard.press("z")
    expect(dialog).to_be_visible()
    tab.keyboard.press("Escape")
    tab.get_by_label("Single keys answer and move").uncheck()
    tab.get_by_role("button", name="Save appearance").click()
    tab.get_by_text("Appearance saved.").wait_for()
    tab.wait_for_load_state()
    tab.keyboard.press("z")
    expect(dialog).to_be_hidden()
    expect(tab.locator("html")).to_have_attribute("data-keys", "off")
    tab.get_by_label("Single keys answer and move").check()
    tab.get_by_role("button", name="Save appearance").click()
    tab.get_by_label("Show the keys").fill("?")
    tab.get_by_role("button", name="Save keys").click()
    tab.get_by_text("Keys saved.").wait_for()


@pytest.mark.parametrize(("theme", "other"), [("light", "dark"), ("dark", "light")])
def test_a_chosen_theme_stands_against_that_of_the_system(open_page, theme, other):
    tab = open_page("/account/", who="engineer", theme=other).page
    tab.get_by_label("Theme").select_option(theme)
    tab.get_by_role("button", name="Save appearance").click()
    tab.get_by_text("Appearance saved.").wait_for()
    page = {"light": "rgb(243, 245, 246)", "dark": "rgb(16, 19, 21)"}[theme]
    expect(tab.locator("html")).to_have_css("background-color", page)
    tab.get_by_label("Theme").select_option("system")
    tab.get_by_role("button", name="Save appearance").click()
    page = {"light": "rgb(243, 245, 246)", "dark": "rgb(16, 19, 21)"}[other]
    expect(tab.locator("html")).to_have_css("background-color", page)


def test_what_cannot_be_undone_is_asked_first_and_cancelled_by_default(open_page):
    tab = open_page("/p/digits/keys/", who="admin").page
    tab.get_by_label("What it is for").fill("browser test")
    tab.get_by_label("Read").check()
    tab.get_by_role("button", name="Make key").click()
    secret = tab.get_by_text("plumb_").first
    expect(tab.locator("main section[data-focus] code")).to_have_text(re.compile(r"^plumb_[\w-]{40,}$"))
    assert secret is not None
    revoke = tab.get_by_role("button", name="Revoke browser test")
    revoke.click()
    asked = tab.get_by_role("dialog", name=re.compile("Revoke the key browser test"))
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(revoke).to_be_visible()
    revoke.click()
    asked.get_by_role("button", name="Revoke").click()
    tab.get_by_text("Calls with it are refused from now on.").wait_for()
    expect(revoke).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_dialog_stands_in_the_middle_also_where_its_parent_spaces_its_children(open_page, width):
    tab = open_page("/styleguide/", width=width).page
    tab.get_by_role("button", name="Open one").click()
    box = tab.locator("dialog:modal").bounding_box()
    assert abs(box["x"] + box["width"] / 2 - width / 2) < 8
    assert abs(box["y"] + box["height"] / 2 - 400) < 8


def fragment(tab, status, body="", **headers):
    """Let the page ask for a fragment, and answer it so."""
    tab.route("**/answered-by-the-test", lambda route: route.fulfill(status=status, body=body, headers=headers))
    tab.evaluate(
        """() => { const box = document.createElement("div"); box.id = "box"; box.textContent = "as it was";
        document.querySelector("main").append(box); htmx.ajax("GET", "/answered-by-the-test", { target: "#box" }); }"""
    )


def test_a_failure_is_said_and_what_stands_stays(open_page):
    watched = open_page(JOBS, who="engineer")
    fragment(watched.page, 500, "<h1>trace</h1>", **{"X-Request-Id": "req_7"})
    expect(watched.page.get_by_role("status")).to_contain_text("It is noted as req_7; try again.")
    expect(watched.page.locator("#box")).to_have_text("as it was")
    watched.problems.clear()


def test_a_refusal_says_the_sentence_of_the_server(open_page):
    watched = open_page(JOBS, who="engineer")
    fragment(watched.page, 409, '{"detail": "The key is taken."}', **{"Content-Type": "application/problem+json"})
    expect(watched.page.get_by_role("status")).to_contain_text("The key is taken.")
    watched.problems.clear()


def test_a_lost_connection_is_said(open_page):
    watched = open_page(JOBS, who="engineer")
    watched.page.context.set_offline(True)
    watched.page.evaluate('() => { htmx.ajax("GET", "/nowhere", { target: "main" }).catch(() => {}); }')
    expect(watched.page.get_by_role("status")).to_contain_text("The server cannot be reached.")
    watched.problems.clear()


def test_a_refused_form_gets_the_focus_at_its_first_error(open_page):
    watched = open_page(JOBS, who="engineer")
    fragment(
        watched.page, 422, '<input id="fine"><input id="wrong" aria-invalid="true">', **{"Content-Type": "text/html"}
    )
    expect(watched.page.locator("#wrong")).to_be_focused()
    watched.problems.clear()


def test_a_toast_is_said_by_the_server_with_an_undo(open_page):
    tab = open_page(JOBS, who="engineer").page
    fragment(tab, 200, "now", **{"HX-Trigger": '{"toast": {"text": "40 items added", "href": "/undo"}}'})
    toast = tab.get_by_role("status").locator(".toast")
    expect(toast).to_contain_text("40 items added")
    expect(toast.get_by_role("link", name="Undo")).to_have_attribute("href", "/undo")
    expect(tab.locator("#box")).to_have_text("now")


def test_everything_works_without_javascript(open_page):
    watched = open_page("/p/digits/members/", who="admin", java_script_enabled=False)
    tab = watched.page
    tab.get_by_label("User name").fill("without-js")
    tab.get_by_role("button", name="Invite").click()
    expect(tab.locator("main")).to_contain_text("/sign-in/")
    tab.get_by_role("button", name="Remove without-js").click()
    expect(tab.get_by_text("without-js removed")).to_be_visible()
    tab.locator("summary", has_text="Account").click()
    expect(tab.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_keyboard_reaches_the_page_by_the_first_tab(open_page):
    tab = open_page("/p/digits/runs/", who="engineer").page
    tab.keyboard.press("Tab")
    skip = tab.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()


def test_times_are_shown_in_the_zone_of_the_browser(open_page):
    tab = open_page("/p/digits/audit/", who="admin", timezone_id="Asia/Tokyo").page
    tab.reload()
    expect(tab.get_by_role("columnheader", name="Time, Asia/Tokyo")).to_be_visible()


def test_what_is_swapped_takes_over_no_inline_style_which_the_policy_would_refuse(open_page):
    """A script sets a style property of an element with an id, as a busy button keeps its width, and htmx swaps."""
    tab = open_page("/p/digits/runs/", who="engineer").page
    tab.evaluate(
        """() => {
          const main = document.querySelector("main");
          main.insertAdjacentHTML("beforeend", '<p id="swapped"><button id="kept">Stop</button></p>');
          document.getElementById("kept").style.minWidth = "90px";
          htmx.swap("#swapped", '<p id="swapped"><button id="kept">New</button></p>', {swapStyle: "outerHTML"});
        }"""
    )
    expect(tab.locator("#kept")).to_have_text("New")
    expect(tab.locator("#kept")).not_to_have_attribute("style", re.compile(""))


def test_the_keys_of_a_list_step_through_its_rows_find_and_name_a_queue(open_page):
    """Seen: J, K and Q stood in the list of keys and did nothing on Items, and / only loaded the page again."""
    tab = open_page("/p/digits/items/", who="engineer").page
    rows = tab.locator("[data-step]")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        tab.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
    tab.keyboard.press("q")
    expect(tab.locator("#queue-title")).to_be_focused()
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("/")
    expect(tab.locator("#f-q")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_and_values_of_inputs_stay_in_their_panel(open_page, width):
    """Seen: a table of 40 columns, its values under the panel beside it."""
    tab = open_page("/p/digits/items/", who="engineer", width=width).page
    with tab.expect_navigation():
        tab.locator("main a[href*='/items/item_']").first.click()
    over = tab.evaluate(
        """() => {
          const table = document.querySelector(".table.inputs");
          const row = table.querySelector("tr");
          for (let n = 0; n < 3; n += 1) row.after(row.cloneNode(true));
          table.querySelectorAll("th").forEach((cell) => { cell.textContent = "a_measurement_of_the_third_kind"; });
          table.querySelectorAll("td").forEach((cell) => { cell.textContent = "25 Nov 2026 02:59 UTC"; });
          const panel = table.closest(".panel").getBoundingClientRect();
          const ends = [...table.querySelectorAll("td")].map((cell) => cell.getBoundingClientRect().right);
          return Math.max(...ends) - panel.right;
        }"""
    )
    assert over <= 0
