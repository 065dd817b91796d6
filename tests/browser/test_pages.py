"""Each page in both themes, wide and on a phone: nothing in the console, nothing refused by the policy, axe finds
nothing, nothing sticks out, and on a phone nothing is too small for a finger."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.pages import PAGES, Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
# Links inside sentences and tables are exempt, as in WCAG 2.5.8; controls are not.
SMALL = """() => [...document.querySelectorAll("button, summary, select, .button, .nav a, .tabs a, .chip, "
  + "input:not([type=hidden], [type=checkbox], [type=radio])")]
  .filter((each) => each.checkVisibility() && !each.closest(".hidden-text") && !each.matches(".link, :disabled"))
  .filter((each) => { const box = each.getBoundingClientRect(); return box.height > 0 && box.height < %d; })
  .map((each) => `${each.outerHTML.slice(0, 80)} is ${each.getBoundingClientRect().height} px high`)"""


def violations(tab: Tab) -> list[str]:
    found = Axe().run(tab, options={"runOnly": TAGS}).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}\n    " + "\n    ".join(node["html"][:200] for node in rule["nodes"][:5])
        for rule in found
    ]


def sticks_out(tab: Tab) -> bool:
    return bool(tab.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def faults(tab: Tab, *, smallest: int) -> list[str]:
    wide = ["wider than the screen"] if sticks_out(tab) else []
    return violations(tab) + wide + list(tab.evaluate(SMALL % smallest))


CUT = """() => [...document.querySelectorAll(".chart, .table.acts, #differences .scroll")]
  .filter((each) => each.checkVisibility())
  .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.outerHTML.slice(0, 80))"""


WITH_CHARTS_OR_ACTS = [
    ("", "engineer"),
    ("performance/", "engineer"),
    ("label-quality/", "reviewer"),
    ("compare/1/", "engineer"),
    ("members/", "admin"),
]


@pytest.mark.parametrize(("path", "who"), WITH_CHARTS_OR_ACTS)
def test_on_a_phone_no_chart_and_no_act_is_cut_off(open_page, path: str, who: str) -> None:
    tab = open_page(f"/p/digits/{path}", who=who, width=360, height=740).page
    assert tab.locator("main .panel").count() > 0
    assert tab.evaluate(CUT) == []


def test_the_bar_of_a_selection_covers_no_row_before_something_is_chosen(open_page) -> None:
    tab = open_page("/p/digits/items/", who="engineer").page
    expect(tab.locator(".bulk")).to_have_css("position", "static")
    tab.locator("td > input[type=checkbox]").first.check()
    expect(tab.locator(".bulk")).to_have_css("position", "sticky")
    expect(tab.locator(".bulk")).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_clean(open_page, page: Page, theme: str) -> None:
    watched = open_page(page.path, who=page.who, theme=theme)
    if page.then:
        page.then(watched.page)
    refusals = tuple(f"{status} from" for status in page.answers)
    watched.problems = [each for each in watched.problems if not (refusals and each.startswith(refusals))]
    found = [] if watched.page.locator("h1").count() == 1 else ["a page has one question"]
    for size, (width, height) in SIZES.items():
        watched.page.set_viewport_size({"width": width, "height": height})
        found += [f"{size}: {words}" for words in faults(watched.page, smallest=44 if size == "phone" else 24)]
    assert not found, "\n".join(found)
