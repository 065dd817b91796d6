"""The desk in a real browser: one key, the next item in a frame, and no answer lost whatever the line does."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Site, Watched, environment
from tests.browser.slow_line import slow_line
from tests.browser.test_pages import sticks_out, violations

COMPOSING = """document.dispatchEvent(
  new KeyboardEvent("keydown", { key: "3", code: "Digit3", isComposing: true, cancelable: true }))"""
# Frames that began between the key and the paint of the next item's own image, as the browser reports it (Element
# Timing). Counted rather than timed: a frame takes 1/60 s where the machine is idle, and longer where it is not.
FRAMES = 3  # 50 ms at 60 frames a second
FRAME_COUNTER = """() => {
  const began = [];
  window.images = [];
  let pressed = 0;
  const tick = (at) => { began.push(at); requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  addEventListener("keydown", (event) => { pressed = event.timeStamp; }, { capture: true });
  new PerformanceObserver((list) => {
    for (const { identifier, renderTime } of list.getEntries()) {
      window.images.push(began.filter((at) => at > Number(identifier) && at <= renderTime).length);
    }
  }).observe({ type: "element" });
  new MutationObserver(() => {
    document.querySelector(".stage figure img").setAttribute("elementtiming", String(pressed));
  }).observe(document.querySelector(".stage"), { childList: true });
}"""
SENT = "All answers sent"
FULL = 25  # items that a desk holds at most


@pytest.fixture(scope="session")
def desks(site: Site) -> Site:
    """The site with the desk's projects in it."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.desk_projects"],
        cwd=ROOT,
        env=environment(site.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return site


@pytest.fixture
def desk(desks: Site, open_page: Callable[..., Watched]) -> Iterator[Callable[..., Page]]:
    """Open one project's desk as Ada and wait for its first item; `refusals` are statuses that a test brings about."""
    opened: list[tuple[Watched, tuple[int, ...]]] = []

    def opens(
        name: str,
        *,
        wait: bool = True,
        who: str = "annotator",
        query: str = "",
        refusals: tuple[int, ...] = (),
        **options: Any,
    ) -> Page:
        watched = open_page(f"/p/desk-{name}/desk/{query}", who=who, **options)
        opened.append((watched, refusals))
        if wait:
            watched.page.locator(".stage .item").wait_for()
        return watched.page

    yield opens
    for watched, refusals in opened:
        expected = tuple(f"{status} from" for status in refusals)
        watched.problems = [problem for problem in watched.problems if not problem.startswith(expected or ("-",))]


def stored(site: Site, name: str) -> list[tuple[str, Any]]:
    """(state, value) of each label of a project in the order given, as the database has them."""
    query = """SELECT l.state, l.value FROM annotation_label l JOIN projects_project p ON p.id = l.project_id
               WHERE p.slug = ? ORDER BY l.id"""
    with sqlite3.connect(site.home / "plumbline.sqlite3") as database:
        rows = database.execute(query, [f"desk-{name}"]).fetchall()
    database.close()
    return [(state, json.loads(value) if value else None) for state, value in rows]


def given(site: Site, name: str) -> list[Any]:
    return [value for state, value in stored(site, name) if state == "given"]


def uid(tab: Page) -> str:
    return tab.locator(".stage .meta span").first.inner_text()


def press(tab: Page, keys: Sequence[str]) -> None:
    """Press each key once the item before it has gone."""
    for key in keys:
        before = uid(tab)
        tab.keyboard.press(key)
        tab.wait_for_function("(uid) => document.querySelector('.stage .meta span')?.textContent !== uid", arg=before)


def sent(tab: Page) -> None:
    expect(tab.locator("#connection")).to_have_text(SENT)


def test_the_next_item_is_painted_within_three_frames_of_the_key_with_a_server_that_takes_400_ms(
    desks: Site, desk: Callable[..., Page]
) -> None:
    port = int(desks.address.rpartition(":")[2])
    with slow_line(port, seconds=0.4) as address:
        tab = desk("latency", wait=False)
        tab.goto(f"{address}/p/desk-latency/desk/")
        full(tab)
        frames = frames_to_the_next_image(tab, "0123456789" * 3)
        sent(tab)

    assert max(frames) <= FRAMES, frames
    assert given(desks, "latency") == [*"0123456789"] * 3


def frames_to_the_next_image(tab: Page, keys: str) -> list[int]:
    """One count a key, at five answers in two seconds."""
    tab.evaluate(FRAME_COUNTER)
    for key in keys:
        press(tab, key)
        tab.wait_for_timeout(400)
    tab.wait_for_function("(count) => window.images.length >= count", arg=len(keys))
    return list(tab.evaluate("window.images"))


def full(tab: Page) -> None:
    """Wait until the desk holds all that it may, with their images."""
    tab.wait_for_function(
        "(n) => (document.querySelector('pl-desk').buffer?.items ?? []).filter(({ node }) =>"
        " [...node.querySelectorAll('img')].every((one) => one.complete && one.naturalWidth)).length === n",
        arg=FULL,
    )


def test_answers_given_offline_wait_and_are_sent_when_the_line_is_back(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("offline")
    tab.context.set_offline(True)

    press(tab, "123")

    expect(tab.locator("#connection")).to_have_text("3 answers wait to be sent")
    expect(tab.locator("#trouble")).to_have_text("3 answers wait to be sent. Keep going; they are safe here.")
    assert stored(desks, "offline") == []
    tab.context.set_offline(False)
    sent(tab)
    expect(tab.locator("#trouble")).to_be_hidden()
    assert given(desks, "offline") == ["1", "2", "3"]


def test_at_the_end_of_the_buffer_the_desk_waits_for_the_line(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("offline")
    full(tab)
    tab.context.set_offline(True)
    for place in range(FULL):
        assert tab.locator(".stage img").evaluate("(one) => one.complete && one.naturalWidth > 0"), place
        tab.keyboard.press("7")

    expect(tab.locator(".stage .wait")).to_contain_text("The next items come when the connection is back.")
    expect(tab.get_by_role("button", name="Skip")).to_be_disabled()
    tab.keyboard.press("7")
    expect(tab.locator("#connection")).to_have_text("25 answers wait to be sent")
    expect(tab.locator("#trouble")).to_contain_text("Wait for the connection; they are safe here.")
    tab.context.set_offline(False)
    tab.locator(".stage .item").wait_for()
    sent(tab)
    assert given(desks, "offline").count("7") == FULL


def test_unsent_answers_and_drafts_survive_a_reload(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("reload")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.route("**/desk/answers", lambda route: route.abort())
    press(tab, "12")
    tab.keyboard.press("c")
    tab.keyboard.type("half a thought")
    front = uid(tab)
    expect(tab.locator("#connection")).to_have_text("2 answers wait to be sent")
    assert "half a thought" in tab.evaluate("JSON.stringify(sessionStorage)")
    assert "margin" not in tab.evaluate("JSON.stringify(sessionStorage)")

    tab.unroute("**/desk/answers")
    tab.reload()
    tab.locator(".stage .item").wait_for()

    sent(tab)
    assert uid(tab) == front
    expect(tab.locator("#comment")).to_have_value("half a thought")
    expect(tab.locator(".history .given")).to_have_text(["1", "2"])
    assert given(desks, "reload") == ["1", "2"]


def test_an_answer_whose_reply_was_lost_is_sent_again_and_counted_once(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("reload")
    before = len(given(desks, "reload"))

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    tab.route("**/desk/answers", lose, times=1)
    press(tab, "9")

    expect(tab.locator("#connection")).to_have_text("1 answer waits to be sent")
    sent(tab)
    assert len(given(desks, "reload")) == before + 1


def test_undo_brings_the_item_back_also_after_it_was_sent(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("undo")
    first = uid(tab)
    press(tab, "34")
    sent(tab)

    press(tab, "u")
    press(tab, "u")

    assert uid(tab) == first
    expect(tab.locator("#said")).to_have_text("Undone. The item is back in front of you.")
    expect(tab.locator(".label[aria-pressed=true]")).to_have_attribute("data-value", "3")
    press(tab, "8")
    sent(tab)
    expect(tab.locator(".history .given")).to_have_text(["8"])
    assert stored(desks, "undo") == [("given", "8"), ("undone", "4")]


def test_undo_goes_twenty_deep_also_after_a_reload(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("undo")
    tab.locator(".stage .item").wait_for()
    press(tab, "5" * 20)
    sent(tab)
    tab.reload()
    tab.locator(".stage .item").wait_for()

    for _ in range(20):
        press(tab, "u")
    sent(tab)

    assert [state for state, _ in stored(desks, "undo")].count("undone") >= 20
    assert given(desks, "undo").count("5") == 0


def test_an_answer_not_sent_yet_is_undone_without_a_call(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("undo")
    before = stored(desks, "undo")
    tab.context.set_offline(True)
    press(tab, "6")
    press(tab, "7")

    tab.keyboard.press("Backspace")
    tab.keyboard.press("Backspace")

    expect(tab.locator(".history li")).to_have_count(min(10, [state for state, _ in before].count("given")))
    tab.context.set_offline(False)
    sent(tab)
    tab.wait_for_timeout(300)
    assert "6" not in given(desks, "undo")


def test_two_tabs_work_at_different_items(desks: Site, desk: Callable[..., Page]) -> None:
    first = desk("tabs")
    second = first.context.new_page()
    second.goto(first.url)
    second.locator(".stage .item").wait_for()

    assert uid(first) != uid(second)
    for tab in (first, second, first, second):
        press(tab, "4")
    for tab in (first, second):
        sent(tab)
    assert given(desks, "tabs") == ["4"] * 4


def test_keys_are_left_alone_while_typing_with_modifiers_and_when_held(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("keys")
    front = uid(tab)

    tab.keyboard.press("Control+3")
    tab.keyboard.press("Alt+3")
    tab.keyboard.press("c")
    tab.keyboard.type("3 u f 4")
    tab.evaluate(
        """document.dispatchEvent(new KeyboardEvent("keydown", {key: "3", code: "Digit3", isComposing: true}))"""
    )
    assert uid(tab) == front
    tab.keyboard.press("Escape")
    expect(tab.locator("#comment")).to_have_value("3 u f 4")
    tab.keyboard.down("3")
    for _ in range(4):
        tab.keyboard.down("3")
    tab.keyboard.up("3")

    sent(tab)
    assert given(desks, "keys") == ["3"]


def test_space_skips_and_the_history_is_walked_and_corrected(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("keys", who="reviewer")
    press(tab, "1")
    press(tab, " ")
    front = uid(tab)

    press(tab, "k")
    expect(tab.locator("#correcting")).to_be_visible()
    press(tab, "k")
    expect(tab.locator(".label[aria-pressed=true]")).to_have_attribute("data-value", "1")
    tab.keyboard.press("2")

    expect(tab.locator("#said")).to_have_text("Corrected to 2.")
    assert uid(tab) == front
    expect(tab.locator(".history .edited .given")).to_have_text("2")
    sent(tab)
    press(tab, "k")
    tab.keyboard.press("Escape")
    assert uid(tab) == front
    assert stored(desks, "keys")[-2:] == [("given", "2"), ("skipped", None)]


def test_single_keys_that_are_off_do_nothing_and_buttons_still_answer(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("off")
    tab.evaluate("document.documentElement.dataset.keys = 'off'")
    front = uid(tab)

    for key in ("1", "u", " ", "f", "Backspace"):
        tab.keyboard.press(key)

    assert uid(tab) == front
    expect(tab.locator("#flagging")).to_be_hidden()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="0", exact=True)).to_be_focused()
    press_focused(tab, front)
    sent(tab)
    assert given(desks, "off") == ["0"]


def press_focused(tab: Page, front: str) -> None:
    tab.keyboard.press("Space")
    tab.wait_for_function("(uid) => document.querySelector('.stage .meta span')?.textContent !== uid", arg=front)


def test_a_changed_key_acts_and_the_old_one_does_not(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("off")
    tab.evaluate("""() => { const map = document.getElementById("keymap");
        map.textContent = JSON.stringify({ ...JSON.parse(map.textContent), skip: "x" }); }""")
    front = uid(tab)
    tab.keyboard.press(" ")
    assert uid(tab) == front
    press(tab, "x")
    sent(tab)
    assert stored(desks, "off")[-1] == ("skipped", None)


def test_everything_is_done_by_mouse(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("mouse")
    front = uid(tab)

    tab.get_by_role("button", name="7", exact=True).click()
    expect(tab.locator(".stage .meta span").first).not_to_have_text(front)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".stage .meta span").first).to_have_text(front)
    tab.get_by_role("button", name="Comment").click()
    tab.get_by_label("Comment, sent with your answer").fill("seen twice")
    tab.get_by_role("button", name="Flag").click()
    tab.get_by_label("No label fits").check()
    tab.get_by_role("button", name="Flag and skip").click()
    expect(tab.locator(".stage .meta span").first).not_to_have_text(front)
    sent(tab)

    assert stored(desks, "mouse") == [("skipped", None)]
    with sqlite3.connect(desks.home / "plumbline.sqlite3") as database:
        rows = database.execute(
            """SELECT r.comment FROM annotation_labelrevision r JOIN annotation_label l ON l.id = r.label_id
               JOIN projects_project p ON p.id = l.project_id WHERE p.slug = 'desk-mouse' ORDER BY r.id"""
        ).fetchall()
    database.close()
    assert rows[-1] == ("No label fits: seen twice",)


def test_more_than_ten_labels_are_searched_without_moving_or_renumbering(
    desks: Site, desk: Callable[..., Page]
) -> None:
    tab = desk("search")
    keys = tab.locator(".label").evaluate_all("(all) => all.map((one) => [one.dataset.value, one.dataset.key])")
    assert keys[0] == ["card_arrival", "1"] and keys[10] == ["intent_11", "+1"] and keys[22][1] == ""

    front = uid(tab)
    tab.keyboard.press("/")
    tab.keyboard.press("Enter")
    tab.keyboard.type("intent_1")
    tab.keyboard.press("Control+a")
    tab.keyboard.press("Delete")
    tab.keyboard.press("Enter")
    assert uid(tab) == front, "without a text there is nothing to answer with"
    tab.keyboard.type("intent 1")
    expect(tab.locator(".label:visible")).to_have_count(10)
    expect(tab.locator(".label.first")).to_have_attribute("data-value", "intent_10")
    expect(tab.locator("#said")).to_have_text("10 of 23 labels. Enter answers Intent 10.")
    tab.keyboard.press("Control+a")
    tab.keyboard.type("ESTIM")
    expect(tab.locator(".label:visible")).to_have_count(1)
    expect(tab.locator(".label:visible")).to_have_attribute("data-key", "2")
    tab.keyboard.press("Enter")
    expect(tab.locator(".stage .meta span").first).not_to_have_text(front)

    expect(tab.locator(".label:visible")).to_have_count(23)
    press(tab, ["Shift+Digit1"])
    press(tab, ["Digit3"])
    sent(tab)
    assert given(desks, "search") == ["estimate", "intent_11", "intent_3"]


def test_a_flag_goes_with_the_answer_and_is_taken_off_again(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("flags")
    tab.keyboard.press("f")
    tab.get_by_role("button", name="Flag", exact=True).last.click()
    expect(tab.locator("#flagged")).to_contain_text("Two labels fit")
    tab.get_by_role("button", name="Remove").click()
    expect(tab.locator("#flagged")).to_be_hidden()
    tab.keyboard.press("f")
    tab.get_by_role("button", name="Cancel").click()

    expect(tab.locator("#flagging")).to_be_hidden()
    press(tab, "1")
    sent(tab)
    assert given(desks, "flags") == ["card_arrival"]


def test_an_evaluation_item_says_nothing_of_its_cause(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("blind")

    page = tab.locator("body").inner_html()

    assert not re.search(r"margin|audit|against 9, |Uncertain", page.replace("4 against 9</strong>", ""), re.IGNORECASE)
    expect(tab.locator(".reason")).to_have_count(0)


def test_feature_rows_are_a_table_of_names_and_values(desk: Callable[..., Page]) -> None:
    tab = desk("rows")

    expect(tab.locator(".stage tbody tr").first).to_have_text(re.compile(r"amount\s*1,23\d\.5"))
    assert violations(tab) == []


def test_an_empty_queue_says_so_and_leads_to_the_next(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("empty", query="?queue=uncertain")
    tab.keyboard.press("1")

    expect(tab.get_by_role("heading", name="Nothing waits here")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("link", name=re.compile("Next queue: Drifted")).click()
    tab.locator(".stage .item").wait_for()
    assert given(desks, "empty") == ["1"]


def test_a_new_guideline_is_shown_with_the_first_item_that_is_held_to_it(
    desks: Site, desk: Callable[..., Page]
) -> None:
    tab = desk("guideline")
    full(tab)
    expect(tab.locator("#guideline small")).to_have_text(re.compile("^version 1,"))
    publish = """
import django; django.setup()
from django.utils import timezone
from annotation import guidelines
from projects.models import Project
guidelines.publish(Project.objects.get(slug="desk-guideline"), text="Now look at the roof.", by=None, at=timezone.now())
"""
    made = subprocess.run(
        [sys.executable, "-c", publish],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**environment(desks.home), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert made.returncode == 0, made.stderr

    press(tab, "1234567890123")  # the desk is filled up when it is half empty, and learns of it then
    tab.wait_for_function(
        "() => document.querySelector('pl-desk').buffer.items.every((item, at) => !at || item.guideline === 2)"
    )
    press(tab, "6")

    expect(tab.locator("#guideline")).to_contain_text("Now look at the roof.")
    expect(tab.get_by_text("A new guideline is in force: version 2.")).to_be_visible()


def test_signed_out_answers_are_kept_and_sent_after_signing_in(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("signed-out", refusals=(403,))
    cookies = tab.context.cookies()
    tab.context.clear_cookies()
    press(tab, "1")

    expect(tab.locator("#trouble")).to_contain_text("You are signed out; sign in again in another tab.")
    # Signing in again gives a new token of proof beside the session.
    renewed: Any = [one | {"value": "b" * 32} if one["name"] == "csrftoken" else one for one in cookies]
    tab.context.add_cookies(renewed)
    tab.evaluate("dispatchEvent(new Event('focus'))")  # back from the other tab
    sent(tab)
    assert given(desks, "signed-out") == ["1"]


def test_a_break_gives_the_leases_back_even_those_still_on_their_way(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("rest")
    tab.evaluate("""() => { const real = fetch; window.fetch = async (url, options) => {
        const answer = await real(url, options);
        if (url.endsWith("/leases")) await new Promise((done) => setTimeout(done, 1000));
        return answer; }; }""")
    press(tab, "1")

    tab.get_by_role("link", name="Break").click()
    tab.wait_for_url("**/queues/")

    assert held(desks, "rest") == 0
    assert given(desks, "rest") == ["1"]


def held(site: Site, name: str) -> int:
    """How many slots of a project are leased."""
    with sqlite3.connect(site.home / "plumbline.sqlite3") as database:
        (found,) = database.execute(
            """SELECT count(*) FROM annotation_slot s JOIN projects_project p ON p.id = s.project_id
               WHERE p.slug = ? AND s.state = 'leased'""",
            [f"desk-{name}"],
        ).fetchone()
    database.close()
    return int(found)


def test_a_closed_tab_gives_its_items_back_and_a_reload_keeps_the_one_in_front(
    desks: Site, desk: Callable[..., Page]
) -> None:
    tab = desk("closed")
    full(tab)
    front = uid(tab)
    tab.reload()
    tab.locator(".stage .item").wait_for()
    assert uid(tab) == front
    full(tab)
    assert held(desks, "closed") == FULL

    tab.goto(f"{desks.address}/account/")
    tab.wait_for_load_state()

    deadline = time.monotonic() + 60
    while held(desks, "closed") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held(desks, "closed") == 0


def test_a_double_click_answers_skips_and_undoes_one_item_only(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("double")
    tab.wait_for_timeout(400)

    for name in ("7", "Skip", "Undo"):
        tab.get_by_role("button", name=name, exact=name == "7").dblclick()
        tab.wait_for_timeout(500)

    sent(tab)
    assert stored(desks, "double") == [("given", "7"), ("undone", None)]
    tab.get_by_role("button", name="3", exact=True).click()
    sent(tab)
    assert given(desks, "double") == ["7", "3"]


def strike(tab: Page, key: str, code: str, **more: bool) -> None:
    """A key press as another layout reports it."""
    tab.evaluate(
        "(key) => document.dispatchEvent(new KeyboardEvent('keydown', { ...key, bubbles: true, cancelable: true }))",
        {"key": key, "code": code, **more},
    )


def test_letter_keys_act_on_a_cyrillic_layout(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("flags")

    strike(tab, "\u0441", "KeyC")
    expect(tab.locator("#comment")).to_be_focused()
    strike(tab, "\u0430", "KeyF")

    expect(tab.get_by_role("dialog", name="Flag this item for a reviewer")).to_be_visible()


def test_shift_with_a_digit_means_11_to_20_and_nothing_else_also_where_it_writes_the_digit(
    desks: Site, desk: Callable[..., Page]
) -> None:
    tab = desk("twelve")
    front = uid(tab)

    strike(tab, "3", "Digit3", shiftKey=True)  # AZERTY; there is no thirteenth label
    assert uid(tab) == front
    strike(tab, "2", "Digit2", shiftKey=True)
    expect(tab.locator(".stage .meta span").first).not_to_have_text(front)
    strike(tab, '"', "Digit3")
    sent(tab)
    assert given(desks, "twelve") == ["intent_12", "intent_3"]


def test_the_next_item_is_read_out_and_the_desk_says_mine_today_and_what_waits(
    desks: Site, desk: Callable[..., Page]
) -> None:
    tab = desk("twelve")
    expect(tab.locator(".done")).to_have_text(re.compile(r"^\s*2 today,\s+58 waiting\s*$"))
    following = tab.evaluate("document.querySelector('pl-desk').buffer.items[1].node.querySelector('.text').innerText")

    press(tab, "1")

    expect(tab.locator("#said")).to_have_text(f"Labelled Card arrival. Next: {following}")
    expect(tab.locator(".done")).to_have_text(re.compile(r"^\s*3 today,\s+57 waiting\s*$"))
    press(tab, " ")
    press(tab, "u")
    expect(tab.locator(".done")).to_have_text(re.compile(r"^\s*3 today,\s+57 waiting\s*$"))


@pytest.mark.parametrize(
    ("width", "height"), [(640, 400), (844, 390), (667, 375), (390, 844), (1280, 800)], ids=lambda side: str(side)
)
def test_the_whole_image_and_every_button_are_seen_at_200_percent_on_its_side_and_on_a_phone(
    desk: Callable[..., Page], width: int, height: int
) -> None:
    tab = desk("layouts", width=width, height=height)

    stage, image = tab.locator(".stage").bounding_box(), tab.locator(".stage img").bounding_box()
    assert stage and image
    assert image["height"] >= 96 and abs(image["width"] - image["height"]) < 2
    assert image["y"] >= stage["y"] and image["y"] + image["height"] <= stage["y"] + stage["height"]
    assert image["x"] >= stage["x"] and image["x"] + image["width"] <= stage["x"] + stage["width"]
    for name in (*"0123456789", "Undo", "Skip", "Flag", "Comment", "Guideline"):
        box = tab.get_by_role("button", name=name, exact=len(name) == 1).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height, name
    assert not sticks_out(tab)
    assert violations(tab) == []


def test_a_phone_has_comment_break_account_and_the_state_of_the_connection(desk: Callable[..., Page]) -> None:
    tab = desk("layouts", width=390, height=844)

    expect(tab.get_by_role("button", name="Comment")).to_be_visible()
    expect(tab.locator("#connection")).to_be_visible()
    tab.get_by_text("Menu", exact=True).click()
    expect(tab.get_by_role("link", name=re.compile("Settings"))).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("link", name="Break").click()
    tab.wait_for_url("**/queues/")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (800, 600)])
def test_the_desk_at_work_is_clean_in_each_theme_and_width(
    desk: Callable[..., Page], theme: str, width: int, height: int
) -> None:
    tab = desk("look", theme=theme, width=width, height=height)
    press(tab, "12")
    sent(tab)

    assert violations(tab) == []
    assert not sticks_out(tab)
    buttons = tab.locator(".label").first.bounding_box()
    press(tab, "3")
    assert tab.locator(".label").first.bounding_box() == buttons, "the buttons moved"
    tab.get_by_role("button", name="Guideline").click()
    expect(tab.locator("#guideline")).to_be_visible()
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    tab.keyboard.press("f")
    tab.get_by_role("dialog").wait_for()
    assert violations(tab) == []


def test_a_small_image_is_enlarged_pixel_by_pixel_and_dimmed_in_the_dark(desk: Callable[..., Page]) -> None:
    tab = desk("look", theme="dark")

    frame, image = tab.locator(".stage pl-pixels"), tab.locator(".stage pl-pixels img")

    assert image.evaluate("(one) => one.clientWidth") == 352
    expect(image).to_have_css("image-rendering", "pixelated")
    expect(image).to_have_css("filter", "brightness(0.9)")
    expect(frame).to_have_attribute("data-grid", "")


def test_the_controls_of_another_kind_label_undo_and_correct_by_keys(desks: Site, desk: Callable[..., Page]) -> None:
    tab = desk("interval")
    first = uid(tab)
    start, end = tab.get_by_label("Start"), tab.get_by_label("End")

    tab.keyboard.press("7")
    expect(start).to_have_value("7")
    tab.keyboard.press("2")
    expect(tab.locator("#said")).to_have_text("The end comes after the start.")
    press(tab, "9")
    expect(start).to_have_value("")
    press(tab, ["u"])
    assert uid(tab) == first
    expect(start).to_have_value("7")
    expect(end).to_have_value("9")

    start.focus()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("3")
    tab.keyboard.press("Tab")
    tab.keyboard.type("41")
    press(tab, ["Enter"])
    tab.keyboard.press("0")
    press(tab, "5")
    expect(tab.locator(".history li")).to_have_count(2)
    expect(tab.locator(".history ol")).to_contain_text("3 to 41")
    sent(tab)

    assert given(desks, "interval") == [{"start": 3, "end": 41}, {"start": 0, "end": 5}]
