"""Pages that poll: a refresh never moves focus, selection or scroll, and does not close what a person opened."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watched
from tests.browser.pages import AT_REST

MORPH = """async ([before, after]) => {
  const { morph } = await import("/static/js/refresh.js");
  const made = [before, after].map((html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return document.importNode(template.content.firstElementChild, true);
  });
  document.querySelector("main").replaceChildren(made[0]);
  made[0].querySelector("#focus")?.focus();
  const focused = document.activeElement;
  morph(made[0], made[1]);
  return [made[0].outerHTML, document.activeElement === focused && focused.isConnected];
}"""


# Notes each change of the navigation, the chips and the sentence above the page, but for the class that htmx sets.
WATCH = """() => {
  window.touched = [];
  const note = (all) => window.touched.push(...all.map((one) => `${one.type}: ${one.target.textContent.trim()}`));
  const attributes = { attributes: true, attributeFilter: ["open", "href", "id", "aria-current"] };
  const all = { subtree: true, childList: true, characterData: true, ...attributes };
  for (const part of document.querySelectorAll(".nav, #view, #said")) new MutationObserver(note).observe(part, all);
}"""
REFRESH = "([path, id]) => htmx.ajax('GET', path, { source: `#${id}`, target: `#${id}`, swap: 'morph' })"
FRAGMENTS = {"": "loop", "runs/": "state", "runs/1/": "state", "jobs/": "rows"}
KINDS = ["overview", "runs", "run", "jobs"]


def polled(tab: Page, path: str) -> None:
    """Wait for two refreshes of the page's fragment, the second one settled."""
    for _ in range(2):
        with tab.expect_response(lambda answer: path in answer.url and "hx-request" in answer.request.headers):
            pass
    tab.wait_for_function(AT_REST)


@pytest.mark.parametrize("path", ["", "runs/"], ids=["overview", "runs"])
def test_polling_moves_neither_focus_nor_selection_nor_scroll(open_page: Callable[..., Watched], path: str) -> None:
    address = f"/p/digits/{path}"
    tab = open_page(address, who="engineer", height=500).page
    link = tab.locator("main [hx-trigger] a:visible").last
    link.focus()
    tab.evaluate("getSelection().selectAllChildren(document.querySelector('main [hx-trigger] h2'))")
    scroll, words = tab.evaluate("scrollY"), tab.evaluate("String(getSelection())")

    polled(tab, address)

    assert tab.evaluate("document.activeElement.textContent") == link.text_content()
    assert tab.evaluate("document.activeElement.isConnected && document.activeElement.localName") == "a"
    assert (tab.evaluate("String(getSelection())"), tab.evaluate("scrollY")) == (words, scroll)


@pytest.mark.parametrize("path", ["", "runs/"], ids=["overview", "runs"])
def test_polling_takes_no_focus_where_nothing_has_it(open_page: Callable[..., Watched], path: str) -> None:
    address = f"/p/digits/{path}"
    tab = open_page(address, who="engineer").page
    tab.evaluate("document.activeElement.blur()")

    polled(tab, address)

    assert tab.evaluate("document.activeElement === document.body")


def refresh(tab: Page, address: str, fragment: str) -> None:
    """One refresh of the page's fragment as its polling does it, settled."""
    tab.evaluate(REFRESH, [address, fragment])
    tab.wait_for_function(AT_REST)


@pytest.mark.parametrize("path", FRAGMENTS, ids=KINDS)
def test_a_refresh_that_brings_nothing_new_touches_nothing_around_its_fragment(
    open_page: Callable[..., Watched], path: str
) -> None:
    address = f"/p/digits/{path}"
    tab = open_page(address, who="engineer").page
    tab.evaluate(WATCH)

    refresh(tab, address, FRAGMENTS[path])

    assert tab.evaluate("window.touched") == []


@pytest.mark.parametrize("path", FRAGMENTS, ids=KINDS)
def test_a_new_count_is_shown_while_focus_selection_and_scroll_stay(
    open_page: Callable[..., Watched], path: str
) -> None:
    address = f"/p/digits/{path}"
    tab = open_page(address, who="engineer", height=400).page

    def with_news(route: Route) -> None:
        answer = route.fetch()
        found = re.sub(r'(id="count-waiting" hx-swap-oob="morph">)[^<]*', r"\g<1>4,321", answer.text())
        route.fulfill(response=answer, body=found)

    tab.route("**/p/digits/**", with_news)
    link = tab.locator(".nav a", has_text="Queues")
    link.focus()
    tab.evaluate("getSelection().selectAllChildren(document.querySelector('.nav h2'))")
    tab.evaluate("scrollTo(0, 60)")
    scroll, words = tab.evaluate("scrollY"), tab.evaluate("String(getSelection())")
    assert "4,321" not in link.inner_text() and words

    refresh(tab, address, FRAGMENTS[path])

    expect(link).to_have_text(re.compile(r"Queues\s*4,321"))
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "/p/digits/queues/"
    assert (tab.evaluate("String(getSelection())"), tab.evaluate("scrollY")) == (words, scroll)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "/p/digits/review/"


@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [
        ("<ul><li id='a'><a id='focus' href='#'>1</a></li></ul>",) * 2 + (True,),
        (
            "<ul><li id='a'><a id='focus' href='#'>1</a></li></ul>",
            "<ul><li id='b'>new</li><li id='a'><a id='focus' href='#'>2</a></li></ul>",
            True,
        ),
        (
            "<ul><li id='b'>gone</li><li id='a'><a id='focus' href='#'>1</a></li></ul>",
            "<ul class='x'><li id='a'><a id='focus' href='#'>1</a></li></ul>",
            True,
        ),
        ("<p>one <a id='focus' href='#'>two</a></p>", "<p data-n='1'>three</p>", False),
        ("<p><b>1</b> of 2</p>", "<p><i>1</i> of 3<br></p>", True),
    ],
)
def test_a_fragment_becomes_what_the_server_sent_and_nodes_that_stay_are_the_same(
    open_page: Callable[..., Watched], before: str, after: str, stays: bool
) -> None:
    tab = open_page("/p/digits/runs/", who="engineer").page

    html, focus_stays = tab.evaluate(MORPH, [before, after])

    assert html.replace('"', "'") == after
    assert focus_stays == stays


def test_what_a_person_opened_stays_open(open_page: Callable[..., Watched]) -> None:
    tab = open_page("/p/digits/runs/", who="engineer").page

    html, _ = tab.evaluate(MORPH, ["<div><details open=''><summary>a</summary></details></div>"] * 2)
    closed = "<div><details><summary>a</summary></details></div>"
    opened, _ = tab.evaluate(MORPH, [closed.replace("<details>", "<details open=''>"), closed])

    assert 'open=""' in html and 'open=""' in opened
    expect(tab.locator("main details")).to_have_attribute("open", "")
