"""The programs on the Overview of an empty project, run as shown: in a shell, by Python, and in the browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import ROOT, Site, Watched, environment
from tests.browser.test_pages import layout_faults, violations

SPEC = {
    "title": "It's a shop",
    "kind": "choice",
    "labels": ["it's fraud", "fine"],
    "inputs": {"text": {"type": "text"}, "amount": {"type": "number"}, "known": {"type": "boolean"}},
    "segments": ["channel"],
}
HIDE = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })"
POLL = "() => htmx.ajax('GET', '/p/shop/?awaits_first=1', { source: '#loop', target: '#loop', swap: 'morph' })"

IN_BROWSER = """async () => {
  let said;
  const console = { log: (all) => (said = all) };
  %s
  return said;
}"""


def manage(site: Site, *words: str, text: str = "") -> None:
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment(site.home), input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def run(command: list[str], folder: Path) -> str:
    paths = {"PYTHONPATH": str(ROOT / "client/src"), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(command, env={**os.environ, **paths}, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_each_program_captures_and_the_line_turns_green(
    open_page: Callable[..., Watched], site: Site, tmp_path: Path
) -> None:
    manage(site, "create_project", "shop", "--spec", "-", text=json.dumps(SPEC))
    tab = open_page("/p/shop/", who="admin", permissions=["clipboard-read", "clipboard-write"]).page
    tab.get_by_role("tab", name="Python").click()
    tab.get_by_role("button", name="Make a key for this").click()
    tab.get_by_text("The programs below have their key now").wait_for()
    expect(tab.get_by_role("tab", name="Python")).to_have_attribute("aria-selected", "true")
    expect(tab.locator("#first-row")).not_to_have_class("note good")

    tab.get_by_role("tab", name="Python").press("ArrowLeft")
    expect(tab.get_by_role("tab", name="curl")).to_be_focused()
    tab.get_by_role("button", name="Copy the curl program").click()
    tab.get_by_text("Copied.").wait_for()
    curl = tab.evaluate("navigator.clipboard.readText()")
    assert json.loads(run(["sh", "-c", curl], tmp_path))["created"] == 1
    expect(tab.locator("#first-row.good")).to_contain_text("first-by-curl")
    expect(tab.get_by_text("The programs below have their key now")).to_be_visible()
    assert violations(tab) == []
    tab.set_viewport_size({"width": 390, "height": 844})
    assert layout_faults(tab, smallest=44) == []
    if folder := os.environ.get("PICTURES"):
        tab.screenshot(path=f"{folder}/first-phone.png", full_page=True)
        tab.set_viewport_size({"width": 1280, "height": 800})
        tab.screenshot(path=f"{folder}/first.png", full_page=True)
        tab.emulate_media(color_scheme="dark")
        tab.screenshot(path=f"{folder}/first-dark.png", full_page=True)

    python, javascript = (tab.locator(f"#code-{name}").text_content() for name in ("python", "javascript"))
    assert "created=1" in run([sys.executable, "-c", str(python)], tmp_path)
    said = tab.evaluate(
        f"async () => {{ let said; const console = {{ log: (all) => (said = all) }};\n{javascript}\nreturn said; }}"
    )
    assert (said["created"], said["refused"]) == (1, [])

    tab.evaluate(HIDE)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.evaluate(POLL)
    assert asked == [], "a page that nobody sees asks for nothing"
