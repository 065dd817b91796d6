"""Each page by keyboard alone: Tab reaches every control in reading order, and what has the focus can be seen."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Watched
from tests.browser.pages import PAGES, Page

MOST = 400  # presses of Tab after which the walk must be back at the start
CONTROLS = """() => [...document.querySelectorAll(
  "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
  .filter((each) => !each.disabled && each.tabIndex >= 0 && each.checkVisibility({ visibilityProperty: true }))
  .filter((each) => !each.matches("[type=radio]:not(:checked)"))
  .map((each, at) => { each.dataset.walk = at; return each.outerHTML.slice(0, 90); })"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const inside = one.closest("svg") ? one.querySelector(".point, .ring, .bar-mark") : null;
  const name = one.closest("svg") ? one.querySelector(".name") : null;
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const mark = inside && getComputedStyle(inside).strokeWidth === "4px";
  const underlined = name && getComputedStyle(name).textDecorationLine === "underline";
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
  const over = document.elementFromPoint(x, y);
  const covered = over && !one.contains(over) && !over.contains(one) && Boolean(over.closest(".bar, .bulk"));
  return {
    at: Number(one.dataset.walk ?? -1),
    html: one.outerHTML.slice(0, 90),
    ring: ring || Boolean(mark) || Boolean(underlined),
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: Boolean(covered),
  };
}"""
STATES = {"keys-dialog", "desk"}  # a dialog holds the focus, and the desk has keys of its own


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in STATES], ids=lambda page: page.name)
def test_tab_reaches_every_control_in_order_and_shows_where_it_is(
    open_page: Callable[..., Watched], page: Page
) -> None:
    watched = open_page(page.path, who=page.who)
    page.reach_state(watched)
    tab = watched.page
    if tab.locator("dialog[open]").count():
        pytest.skip("A dialog holds the focus; test_shell walks it.")
    tab.evaluate("() => document.activeElement?.blur()")
    controls = tab.evaluate(CONTROLS)
    walked = walk(tab, len(controls))

    faults = [f"no ring: {one['html']}" for one in walked if not one["ring"]]
    faults += [f"outside the window: {one['html']}" for one in walked if not one["seen"]]
    faults += [f"under the bar: {one['html']}" for one in walked if one["covered"]]
    places = [one["at"] for one in walked if one["at"] >= 0]
    faults += [f"never reached: {controls[at]}" for at in range(len(controls)) if at not in places]
    assert not faults, "\n".join(faults[:20])
    assert places == sorted(places)


def test_the_bar_of_a_selection_covers_nothing_that_has_the_focus(open_page: Callable[..., Watched]) -> None:
    tab = open_page("/p/digits/items/", who="engineer").page
    tab.locator("input[name=item]").first.check()
    for _ in range(40):
        tab.keyboard.press("Tab")
        one = tab.evaluate(FOCUSED)
        assert one and one["seen"] and not one["covered"], one


def walk(tab: Any, controls: int) -> list[dict[str, Any]]:
    """What has the focus after each Tab, once around the page."""
    found: list[dict[str, Any]] = []
    for _ in range(min(controls + 5, MOST)):
        tab.keyboard.press("Tab")
        one = tab.evaluate(FOCUSED)
        if one is None or any(one["at"] == seen["at"] >= 0 for seen in found):
            break
        found.append(one)
    return found
