"""Each page in both themes, wide and on a phone: nothing in the console, nothing refused by the policy, axe finds
nothing, nothing sticks out, and on a phone nothing is too small for a finger."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib import get_data_path
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.fonts import CONDENSED, text_width
from tests.browser.pages import PAGES, Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"wide": (1280, 800), "phone": (390, 844), "small phone": (360, 740), "zoom": (640, 400)}  # 1280 at 200 %
THEMES = [("light", "wide"), ("dark", "narrow")]  # a theme changes no layout and a font no colour
# Links inside sentences and tables are exempt, as in WCAG 2.5.8; controls are not.
SMALL = """() => [...document.querySelectorAll("button, summary, select, .button, .nav a, .tabs a, .chip, "
  + "input:not([type=hidden], [type=checkbox], [type=radio])")]
  .filter((each) => each.checkVisibility() && !each.closest(".hidden-text") && !each.matches(".link, :disabled"))
  .filter((each) => { const box = each.getBoundingClientRect(); return box.height > 0 && box.height < %d; })
  .map((each) => `${each.outerHTML.slice(0, 80)} is ${each.getBoundingClientRect().height} px high`)"""

CUT = """() => [...document.querySelectorAll(".chart, .scroll, .table.acts, .card")]
  .filter((each) => each.checkVisibility())
  .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.outerHTML.slice(0, 80))"""

# Rows of tables that are mostly blank: the tallest band of a row without any text, picture or control in it.
BLANK = """() => [...document.querySelectorAll("main tbody tr")].flatMap((row) => {
  if (!row.checkVisibility()) return [];
  const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  const boxes = [...row.querySelectorAll("img, svg, button, input, select, textarea, progress, .button")]
    .map((each) => each.getBoundingClientRect());
  while (walker.nextNode()) {
    if (!walker.currentNode.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    boxes.push(...range.getClientRects());
  }
  const { top, bottom } = row.getBoundingClientRect();
  const filled = boxes.filter((box) => box.height > 0).sort((one, other) => one.top - other.top);
  let end = top, blank = 0;
  for (const box of filled) { blank = Math.max(blank, box.top - end); end = Math.max(end, box.bottom); }
  blank = Math.max(blank, bottom - end);
  return blank > 40 ? [`${Math.round(blank)} px blank in ${row.textContent.replace(/\\s+/g, " ").slice(0, 60)}`] : [];
})"""


def violations(tab: Tab) -> list[str]:
    found = Axe().run(tab, options={"runOnly": TAGS}).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}\n    " + "\n    ".join(node["html"][:200] for node in rule["nodes"][:5])
        for rule in found
    ]


def sticks_out(tab: Tab) -> bool:
    return bool(tab.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def layout_faults(tab: Tab, *, smallest: int) -> list[str]:
    wide = ["wider than the screen"] if sticks_out(tab) else []
    cut = [f"cut off: {each}" for each in tab.evaluate(CUT)]
    return wide + cut + list(tab.evaluate(SMALL % smallest)) + list(tab.evaluate(BLANK))


WIDTH = """(text) => {
  const made = document.body.appendChild(document.createElement("span"));
  made.textContent = text;
  made.style.font = "400 100px var(--sans)";
  made.style.position = "absolute";
  made.style.whiteSpace = "nowrap";
  return made.getBoundingClientRect().width;
}"""


def test_the_bar_of_a_selection_covers_no_row_before_something_is_chosen(open_page) -> None:
    tab = open_page("/p/digits/items/", who="engineer").page
    expect(tab.locator(".bulk")).to_have_css("position", "static")
    tab.locator("input[name=item]").first.check()
    expect(tab.locator(".bulk")).to_have_css("position", "sticky")
    expect(tab.locator(".bulk")).to_be_in_viewport()


@pytest.mark.parametrize(("theme", "font"), THEMES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_clean(open_page, page: Page, theme: str, font: str) -> None:
    watched = open_page(page.path, who=page.who, theme=theme, font=font)
    page.reach_state(watched)
    found = [] if watched.page.locator("h1").count() == 1 else ["a page has one question"]
    for size, (width, height) in SIZES.items():
        watched.page.set_viewport_size({"width": width, "height": height})
        found += [f"{size}: {words}" for words in layout_faults(watched.page, smallest=44 if "phone" in size else 24)]
        if size in ("wide", "phone"):
            found += [f"{size}: {words}" for words in violations(watched.page)]
    assert not found, "\n".join(found)


LENGTHEN = """() => {
  const long = "balance_not_updated_after_cheque_or_cash_deposit";
  const [first, second] = document.querySelectorAll(".card");
  for (const each of first.querySelectorAll("dd b")) each.textContent = long;
  second.innerHTML = `<div class="stack"><p class="text">${long}</p><form class="row">
    <select><option>${long} ${long}</option></select><button class="button">Decide</button></form></div>`;
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_label_stays_inside_its_card(open_page, width: int) -> None:
    tab = open_page("/styleguide/", width=width).page
    tab.evaluate(LENGTHEN)
    assert tab.evaluate(CUT) == []


@pytest.mark.parametrize(("font", "share"), [("wide", 1.0), ("narrow", CONDENSED)])
def test_only_the_fonts_that_the_tests_bring_are_used(open_page, font: str, share: float) -> None:
    tab = open_page("/styleguide/", font=font).page
    measured = tab.evaluate(WIDTH, "Which labels are wrong?")
    dejavu = text_width(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), "Which labels are wrong?", 100)
    assert measured == pytest.approx(dejavu * share, rel=0.01)
