"""The feedback element in a page of another origin with a strict content policy: keyboard, screen reader, retries."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Site, Watched
from tests.browser.test_pages import layout_faults, violations

STYLE = "plumbline-feedback { --plumbline-accent: rgb(1, 2, 3) } plumbline-feedback::part(up) { color: rgb(4, 5, 6) }"


class Shop:
    """A web site of somebody else; `html` is its page, which the policy lets load scripts of `server` alone."""

    def __init__(self) -> None:
        self.html = self.server = ""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_style = self.path == "/page.css"
                self.send_response(200)
                self.send_header("Content-Type", "text/css" if is_style else "text/html")
                self.send_header("Content-Security-Policy", shop.policy())
                self.end_headers()
                self.wfile.write((STYLE if is_style else shop.html).encode())

            def log_message(self, *words: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def policy(self) -> str:
        return (
            f"default-src 'none'; script-src {self.server}; connect-src {self.server}; style-src 'self'; "
            "img-src data:; require-trusted-types-for 'script'"
        )


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    threading.Thread(target=made.http.serve_forever, daemon=True).start()
    yield made
    made.http.shutdown()
    made.http.server_close()


def sent_to(page: Page, site: Site) -> list[dict[str, Any]]:
    """The bodies of the signals that this page sends, as it sends them."""
    found: list[dict[str, Any]] = []
    page.on("request", lambda one: found.append(json.loads(one.post_data)) if "/signals" in one.url else None)
    return found


def test_a_page_of_another_origin_sends_what_its_users_say(
    open_page: Callable[..., Watched], chromium: Browser, site: Site, shop: Shop
) -> None:
    tab = open_page("/p/digits/feedback-keys/", who="engineer").page
    tab.get_by_label("Which pages use it").fill("The shop")
    tab.get_by_label("Origins").fill(shop.address)
    tab.get_by_role("button", name="Make key").click()
    example = str(tab.locator("#feedback-example").text_content())
    assert violations(tab) == layout_faults(tab, smallest=24) == []
    tab.set_viewport_size({"width": 390, "height": 844})
    assert layout_faults(tab, smallest=44) == []
    if folder := os.environ.get("PICTURES"):
        tab.screenshot(path=f"{folder}/keys-phone.png", full_page=True)
        tab.set_viewport_size({"width": 1280, "height": 800})
        tab.screenshot(path=f"{folder}/keys.png", full_page=True)

    shop.server = site.address
    shop.html = (
        '<!doctype html><html lang="en"><title>Shop</title><link rel="stylesheet" href="/page.css">'
        f"<main><h1>Shop</h1>{example.replace('KEY OF THE PREDICTION', 'shop-1')}</main></html>"
    )
    watched = Watched(chromium.new_context().new_page())
    watched.watch()
    page = watched.page
    page.goto(shop.address)
    page.on("dialog", lambda dialog: dialog.dismiss())
    sent, status = sent_to(page, site), page.get_by_role("status")

    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Yes")).to_be_focused()
    expect(page.get_by_role("button", name="Yes")).to_have_css("color", "rgb(4, 5, 6)")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    expect(status).to_have_text("Thank you.")
    expect(page.get_by_role("button", name="No")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="No")).to_have_css("background-color", "rgb(1, 2, 3)")
    assert [one["kind"] for one in sent] == ["thumbs_down"], "one answer, however often it is pressed"

    page.get_by_label("What is right?").select_option("8")
    page.get_by_label("Why?").fill("It has two loops.")
    page.get_by_label("Why?").press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why?")).to_be_hidden()
    given = [(one["kind"], one["value"]) for one in sent[1:]]
    assert given == [("correction", "8"), ("comment", "It has two loops.")]
    assert {one["key"] for one in sent} == {"shop-1"} and len({one["id"] for one in sent}) == 3
    assert violations(page) == []
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/element.png")

    lost: list[dict[str, Any]] = []

    def fail_once(route: Route) -> None:
        lost.append(json.loads(str(route.request.post_data)))
        route.abort() if len(lost) == 1 else route.continue_()

    page.route("**/signals", fail_once)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")
    assert len(lost) == 2 and lost[0] == lost[1], "the same answer, sent again"
    page.unroute("**/signals")
    page.route("**/signals", lambda route: route.fulfill(status=403, headers={"Access-Control-Allow-Origin": "*"}))
    page.get_by_role("button", name="No").click()
    expect(status).to_have_text("Not sent. Try again.")
    expect(page.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")
    page.context.close()
    assert [problem for problem in watched.problems if "403" not in problem and "ERR_FAILED" not in problem] == []
