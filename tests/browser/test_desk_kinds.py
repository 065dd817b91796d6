"""The desk of each task kind beyond one label, by keyboard alone: what is stored, undone, and kept through a reload."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Site, Watched, environment
from tests.browser.test_pages import sticks_out, violations

Desk = Callable[..., Page]


@pytest.fixture(scope="module")
def kind_site(site: Site) -> Site:
    """The site with a project of each kind in it."""
    command = [sys.executable, "-m", "tests.browser.kind_projects"]
    made = subprocess.run(command, cwd=ROOT, env=environment(site.home), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return site


@pytest.fixture
def desk(kind_site: Site, open_page: Callable[..., Watched]) -> Desk:
    """Open one kind's desk as Ada and wait for its first item."""

    def opens(kind: str, **options: Any) -> Page:
        tab = open_page(f"/p/kind-{kind}/desk/", who="annotator", **options).page
        tab.locator(".stage .item").wait_for()
        return tab

    return opens


def given(site: Site, kind: str) -> list[Any]:
    """The values that stand, in the order in which they were given."""
    query = """SELECT l.value FROM annotation_label l JOIN projects_project p ON p.id = l.project_id
               WHERE p.slug = ? AND l.state = 'given' ORDER BY l.id"""
    with sqlite3.connect(site.home / "plumbline.sqlite3") as database:
        rows = database.execute(query, [f"kind-{kind}"]).fetchall()
    database.close()
    return [json.loads(value) for (value,) in rows]


def beside(site: Site) -> list[Any]:
    """What stands beside each value of the project with side questions."""
    query = """SELECT l.also FROM annotation_label l JOIN projects_project p ON p.id = l.project_id
               WHERE p.slug = 'kind-also' AND l.state = 'given' ORDER BY l.id"""
    with sqlite3.connect(site.home / "plumbline.sqlite3") as database:
        rows = database.execute(query).fetchall()
    database.close()
    return [also and json.loads(also) for (also,) in rows]


def keys(tab: Page, *pressed: str) -> None:
    for key in pressed:
        tab.keyboard.press(key)


def sent(tab: Page) -> None:
    expect(tab.locator("#connection")).to_have_text("All answers sent")


def said(tab: Page) -> str:
    return tab.locator("#said").inner_text()


def test_several_labels_are_chosen_by_key_and_sent_by_enter(kind_site: Site, desk: Desk) -> None:
    tab = desk("choices")
    keys(tab, "Enter")
    assert said(tab) == "Nothing is chosen. Choose a label, or none of them, key N."
    keys(tab, "1", "2", "4", "2")
    tab.reload()  # what is chosen stays with its item
    expect(tab.get_by_role("button", name="Late")).to_have_attribute("aria-pressed", "true")
    keys(tab, "Enter", "n", "3", "Enter", "u", "3", "1", "Enter")
    sent(tab)
    assert given(kind_site, "choices") == [["broken", "late"], [], ["late"]]
    expect(tab.locator(".history li")).to_have_text(["Late, Broken", "none of them", "Late"])


def test_a_digit_rates(kind_site: Site, desk: Desk) -> None:
    tab = desk("rating")
    keys(tab, "4", "9", "1", "u", "5")
    sent(tab)
    assert given(kind_site, "rating") == [4, 5]
    expect(tab.locator(".history li")).to_have_text(["4 of 5", "5 of 5"])


def test_a_text_is_corrected_with_its_changes_in_view(kind_site: Site, desk: Desk) -> None:
    tab = desk("text")
    expect(tab.locator("#answer-text")).to_be_focused()
    expect(tab.locator("#text-state")).to_have_text("Nothing is changed")
    keys(tab, "Backspace", "!")
    assert tab.locator("#changes ins").inner_text() == "!" and tab.locator("#changes del").inner_text() == "."
    keys(tab, "Shift+Enter", "s", "Enter", "Enter")  # the second one comes before anybody can have read the next text
    tab.wait_for_timeout(400)
    keys(tab, "Enter", "Escape", "u", "Escape", "Enter")
    expect(tab.locator("#answer-text")).to_be_focused()
    tab.wait_for_timeout(400)
    keys(tab, "Enter")
    sent(tab)
    assert given(kind_site, "text") == [
        "The parcel leaved our depot on monday!\ns",
        "The parcel leaved our depot on monday.",
    ]


def test_words_are_marked_by_arrows_and_labels(kind_site: Site, desk: Desk) -> None:
    tab = desk("spans")
    keys(tab, "ArrowRight", "Shift+ArrowRight", "1")  # Ada Lovelace
    keys(tab, *["ArrowRight"] * 3, "Shift+ArrowRight", "1")  # Charles Babbage
    keys(tab, *["ArrowRight"] * 2, "3", "ArrowUp", "2")  # London, a DATE, then a PLACE
    keys(tab, "ArrowUp", "Control+ArrowLeft", "Delete", "Control+z", "Control+z")
    assert tab.locator("#marked-list li button:first-child").all_inner_texts() == [
        "PERSON Ada Lovelace",
        "PERSON Charles Babbage",
        "PLACE London",
    ]
    keys(tab, "End", "Enter", "n")
    sent(tab)
    assert given(kind_site, "spans") == [
        [
            {"start": 0, "end": 12, "label": "PERSON"},
            {"start": 22, "end": 37, "label": "PERSON"},
            {"start": 41, "end": 47, "label": "PLACE"},
        ],
        [],
    ]
    keys(tab, "u", "u")  # the item is back with its marks
    expect(tab.locator("#marked-list li")).to_have_count(3)


def test_words_behind_a_sign_of_two_units_are_marked_where_they_are(kind_site: Site, desk: Desk) -> None:
    """By mouse: a double click on a word, which the browser selects."""
    tab = desk("spans", width=390, height=844)
    tab.evaluate(
        """() => { const text = document.querySelector('.stage .text').lastChild;
        getSelection().setBaseAndExtent(text, text.data.indexOf('notes'), text, text.data.length - 1); }"""
    )
    tab.get_by_role("button", name="THING", exact=True).click()
    assert tab.locator("#marked-list li button:first-child").all_inner_texts() == ["THING notes"]
    tab.get_by_role("button", name="Send 1").click()
    sent(tab)
    (mark,) = given(kind_site, "spans")[-1]
    assert (mark["end"] - mark["start"], mark["label"]) == (5, "THING")


def test_the_side_at_which_an_arrow_points_is_better(kind_site: Site, desk: Desk) -> None:
    tab = desk("pair")
    left = tab.locator(".two > .pane:first-child .letter").inner_text()
    keys(tab, "ArrowLeft", "t", "b")
    sent(tab)
    assert given(kind_site, "pair") == [left.lower(), "tie", "b"]
    assert "model_" not in tab.locator(".stage").inner_text()


def placed(tab: Page) -> list[str]:
    """Place and letter of each candidate, in the order of the list."""
    rows = tab.locator("#ranking-list li button:first-child")
    return ["".join(row.locator("b, i").all_inner_texts()) for row in rows.all()]


def test_candidates_are_placed_by_digit_and_moved_by_arrows(kind_site: Site, desk: Desk) -> None:
    tab = desk("ranking")
    shown = tab.locator(".stage .candidate .letter").all_inner_texts()
    assert sorted(shown) == ["A", "B", "C"] and "model_" not in tab.locator(".stage").inner_text()
    one, two, three = shown
    assert placed(tab) == [f"–{letter}" for letter in shown]
    keys(tab, "Enter")
    assert said(tab) == "3 have no place yet."
    keys(tab, "2", "1")  # the third has the place that is left
    assert placed(tab) == [f"1{two}", f"2{one}", f"3{three}"]
    keys(tab, "ArrowDown", "Shift+ArrowDown", "Shift+ArrowUp", "Shift+ArrowUp", "9")
    assert said(tab) == "There are 3 places."
    tab.reload()  # the order stays with its item
    expect(tab.locator("#ranking-list li")).to_have_count(3)
    assert placed(tab) == [f"1{one}", f"2{two}", f"3{three}"]
    keys(tab, "Enter")
    sent(tab)
    named = {letter: f"model_{place}" for place, letter in enumerate("ABC", 1)}
    assert given(kind_site, "ranking") == [[named[letter] for letter in shown]]
    expect(tab.locator(".history li")).to_have_text([", ".join(shown)])
    keys(tab, "u")
    assert placed(tab) == [f"1{one}", f"2{two}", f"3{three}"]
    keys(tab, "Delete")
    assert placed(tab)[-1][0] == "–" and said(tab).endswith("no place.")


def test_candidates_are_placed_by_touch(kind_site: Site, desk: Desk) -> None:
    tab = desk("ranking", width=390, height=844)
    before = len(given(kind_site, "ranking"))
    rows = tab.locator("#ranking-list li")
    letters = [text[1] for text in placed(tab)]
    rows.nth(1).locator("[data-act=choose]").click()
    tab.get_by_role("button", name=f"{letters[2]}, ").first.click()
    assert placed(tab) == [f"1{letters[1]}", f"2{letters[2]}", f"3{letters[0]}"]
    tab.get_by_role("button", name=f"Move {letters[0]} up").click()
    tab.get_by_role("button", name=f"Take the place of {letters[1]} away").click()
    assert placed(tab)[-1] == f"–{letters[1]}"
    tab.get_by_role("button", name=f"Move {letters[1]} up").click()
    tab.get_by_role("button", name="Send").click()
    sent(tab)
    named = {letter: f"model_{place}" for place, letter in enumerate("ABC", 1)}
    assert given(kind_site, "ranking")[before:] == [[named[letters[at]] for at in (1, 0, 2)]]


def boxes_shown(tab: Page) -> list[list[str]]:
    """Label and numbers of each box, in percent, in the order of the table."""
    return [
        [text.inner_text() or text.locator("input").input_value() for text in row.locator("th, td.num").all()[:5]]
        for row in tab.locator("#box-table tbody tr").all()
    ]


def at(tab: Page, x: float, y: float) -> tuple[float, float]:
    """Where this fraction of the image is on the screen."""
    shown = tab.locator(".stage .layer").bounding_box()
    assert shown is not None
    return shown["x"] + x * shown["width"], shown["y"] + y * shown["height"]


def size(tab: Page, part: str) -> list[float]:
    """Width and height of the image, or of what lies on it, in pixels."""
    shown = tab.locator(f".stage .canvas {part}").bounding_box()
    assert shown is not None
    return [shown["width"], shown["height"]]


def near(value: dict[str, Any], x: float, y: float, width: float, height: float) -> bool:
    return [value[side] for side in ("x", "y", "width", "height")] == pytest.approx([x, y, width, height], abs=0.01)


def test_boxes_are_made_by_keys_and_numbers(kind_site: Site, desk: Desk) -> None:
    tab = desk("boxes")
    keys(tab, "Enter")
    assert said(tab) == "Nothing is marked. If there is nothing to mark, say so with N."
    keys(tab, "b", "ArrowRight", "Shift+ArrowDown", "Control+ArrowLeft", "2")
    assert boxes_shown(tab) == [["car", "25.9", "25", "50", "51"]]
    tab.get_by_label("width of car, percent").fill("30")
    keys(tab, "Enter", "Escape", "3", "1", "b")  # the label of the chosen box, then one more
    assert [row[0] for row in boxes_shown(tab)] == ["sign", "sign"]
    tab.reload()  # what is drawn stays with its item
    expect(tab.locator("#box-table tbody tr")).to_have_count(2)
    keys(tab, "PageDown", "PageDown", "Delete", "Control+z", "PageDown", "Delete", "Enter")
    sent(tab)
    assert given(kind_site, "boxes") == [[{"x": 0.259, "y": 0.25, "width": 0.3, "height": 0.51, "label": "sign"}]]
    expect(tab.locator(".history li")).to_have_text(["sign"])
    keys(tab, "n", "u", "u")  # nothing to mark, then the first item is back with its box
    expect(tab.locator("#box-table tbody tr")).to_have_count(1)
    whole = size(tab, "img")
    keys(tab, "+", "ArrowRight")
    expect(tab.locator("#zoom")).to_have_text("150 %")
    assert size(tab, "img") == size(tab, ".layer") == pytest.approx([1.5 * side for side in whole], abs=2)
    assert violations(tab) == []
    keys(tab, "-", "Enter")
    sent(tab)


def test_boxes_are_drawn_by_four_clicks_and_by_a_drag(kind_site: Site, desk: Desk) -> None:
    tab = desk("boxes")
    before = len(given(kind_site, "boxes"))
    for x, y in ((0.5, 0.2), (0.7, 0.4), (0.6, 0.8), (0.3, 0.5)):  # top, right, bottom, left
        tab.mouse.click(*at(tab, x, y))
    tab.mouse.move(*at(tab, 0.05, 0.05))
    tab.mouse.down()
    tab.mouse.move(*at(tab, 0.1, 0.2))
    tab.mouse.move(*at(tab, 0.25, 0.3))
    tab.mouse.up()
    tab.mouse.move(*at(tab, 0.15, 0.15))  # inside the box that is chosen: it moves
    tab.mouse.down()
    tab.mouse.move(*at(tab, 0.15, 0.3))
    tab.mouse.move(*at(tab, 0.15, 0.35))
    tab.mouse.up()
    keys(tab, "3", "Enter")
    sent(tab)
    (drawn,) = given(kind_site, "boxes")[before:]
    assert near(drawn[0], 0.05, 0.25, 0.2, 0.25) and drawn[0]["label"] == "person"
    assert near(drawn[1], 0.3, 0.2, 0.4, 0.6) and drawn[1]["label"] == "sign"
    keys(tab, "u")


def test_boxes_are_drawn_by_touch(kind_site: Site, desk: Desk) -> None:
    tab = desk("boxes", width=390, height=844, has_touch=True)
    before = len(given(kind_site, "boxes"))
    while boxes_shown(tab):
        tab.get_by_role("button", name="Remove ").first.click()
    tab.wait_for_timeout(400)  # a touch that comes before anybody can have seen the item counts as a double one
    tab.get_by_role("button", name="car", exact=True).tap()
    for x, y in ((0.4, 0.3), (0.6, 0.5), (0.5, 0.7), (0.2, 0.4)):
        tab.touchscreen.tap(*at(tab, x, y))
    tab.get_by_role("button", name="Enlarge the image").tap()
    expect(tab.locator("#zoom")).to_have_text("150 %")
    assert not sticks_out(tab)
    tab.get_by_role("button", name="Send 1").tap()
    sent(tab)
    (drawn,) = given(kind_site, "boxes")[before:]
    assert near(drawn[0], 0.2, 0.3, 0.4, 0.4) and drawn[0]["label"] == "car"


@pytest.mark.parametrize("kind", ["choices", "rating", "text", "spans", "pair", "ranking", "boxes"])
def test_a_desk_is_accessible_and_fits_a_phone(desk: Desk, kind: str) -> None:
    tab = desk(kind, theme="light", width=390)  # one tab, for it holds what waits for Ada
    assert violations(tab) == []
    assert not sticks_out(tab)
    tab.emulate_media(color_scheme="dark")
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert violations(tab) == []
    assert not sticks_out(tab)


def asks(tab: Page, words: str) -> None:
    expect(tab.locator("#also-question")).to_have_text(words)


def test_side_questions_are_asked_one_by_one_and_undone_with_the_decision(kind_site: Site, desk: Desk) -> None:
    """By keyboard alone, then by touch on a phone."""
    tab = desk("also")
    before = len(beside(kind_site))
    keys(tab, "1")  # good, beside which nothing is asked
    keys(tab, "2")
    asks(tab, "What failed?")
    assert violations(tab) == []
    keys(tab, "1", "3", "Enter")
    asks(tab, "How bad is it?")
    keys(tab, "Enter")  # required: nothing goes on
    asks(tab, "How bad is it?")
    keys(tab, "Escape")
    asks(tab, "What failed?")
    expect(tab.get_by_role("button", name="It is wrong")).to_have_attribute("aria-pressed", "true")
    keys(tab, "Enter", "4")
    asks(tab, "What should it say?")
    expect(tab.locator("#answer-text")).to_be_focused()
    keys(tab, "O", "n", "Enter")
    sent(tab)
    said = {"failure": ["It is wrong", "It says too little"], "severity": 4, "better": "On"}
    assert given(kind_site, "also")[before:] == ["good", "bad"]
    assert beside(kind_site)[before:] == [None, said]

    keys(tab, "u")  # both come back
    expect(tab.locator('.labels [data-value="bad"]')).to_have_attribute("aria-pressed", "true")
    keys(tab, "2", "Enter")
    expect(tab.get_by_role("button", name="4 of 5")).to_have_attribute("aria-pressed", "true")
    keys(tab, "2")
    asks(tab, "What should it say?")
    expect(tab.locator("#answer-text")).to_have_value("On")
    keys(tab, "Backspace", "Backspace", "Enter")  # an empty one stays open
    sent(tab)
    assert beside(kind_site)[before:] == [None, {"failure": ["It is wrong", "It says too little"], "severity": 2}]

    tab.set_viewport_size({"width": 390, "height": 844})
    tab.locator('.labels [data-value="bad"]').click()
    asks(tab, "What failed?")
    assert violations(tab) == []
    assert not sticks_out(tab)
    tab.locator("#also-open").click()
    asks(tab, "How bad is it?")
    tab.locator("#also-back").click()
    asks(tab, "What failed?")
    tab.locator("#also-back").click()
    expect(tab.locator("#also-question")).to_have_count(0)
    tab.locator("#skip").click()
    expect(tab.locator(".history li").last).to_have_text("skipped")


def test_answers_with_side_answers_wait_for_the_line_and_are_corrected_from_the_strip(
    kind_site: Site, desk: Desk
) -> None:
    tab = desk("also")
    before = len(given(kind_site, "also"))
    tab.context.set_offline(True)
    keys(tab, "2", "Enter")
    asks(tab, "How bad is it?")
    keys(tab, "5")
    asks(tab, "What should it say?")
    keys(tab, "Enter")
    tab.context.set_offline(False)
    sent(tab)
    assert beside(kind_site)[before:] == [{"severity": 5}]

    tab.locator(".history li").last.get_by_role("button").click()
    expect(tab.locator("#correcting")).to_be_visible()
    keys(tab, "2", "Enter")
    asks(tab, "How bad is it?")
    keys(tab, "1")
    asks(tab, "What should it say?")
    keys(tab, "Enter")
    expect(tab.locator("#correcting")).to_be_hidden()
    sent(tab)
    assert beside(kind_site)[before:] == [{"severity": 1}]
