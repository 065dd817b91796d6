"""Pictures from a fresh demo: the README's, or with a folder every page in both themes, wide and on a phone.

`make screenshots` writes docs/images/overview.png; `make screenshots FOLDER=/tmp/pages ONLY="items item"` takes the
pages of tests/browser/pages.py by name, and all of them without ONLY.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import Watched
from tests.browser.pages import PAGES, Page

ROOT = Path(__file__).parent.parent
LAUNCH = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
DOCUMENTATION = {"OUTGOING_NETWORKS": "203.0.113.0/24"}  # addresses that pages take, and where nobody answers
ROLES = ("annotator", "reviewer", "engineer", "admin")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {1280: 800, 390: 844}
# Images decoded, fonts there, and two frames painted.
PAINTED = """async () => {
  const painted = () => new Promise(requestAnimationFrame);
  await document.fonts.ready;
  for (const each of document.images) each.loading = "eager";
  await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
  await painted();
  await painted();
}"""


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, and the sign-in link of each role."""

    address: str
    links: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where the pictures of all pages go")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="names of pages, instead of all")
    given = parser.parse_args()
    pages = [page for page in PAGES if not given.only or page.name in given.only]
    if unknown := sorted(set(given.only) - {page.name for page in PAGES}):
        parser.error(f"no such page: {', '.join(unknown)}; there are {', '.join(page.name for page in PAGES)}")
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=LAUNCH)
        if given.folder:
            take_pages(browser, demo, pages, given.folder)
        else:
            take_readme_picture(browser, demo)
        browser.close()


@contextmanager
def running_demo() -> Iterator[Demo]:
    """`manage.py up` with a home of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="plumbline-shots-") as home:
        port = free_port()
        log = Path(home, "up.log")
        with log.open("w") as out:
            up = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port)],
                cwd=ROOT,
                stdout=out,
                stderr=out,
                env={**os.environ, **DOCUMENTATION, "PLUMBLINE_HOME": home, "PYTHONUNBUFFERED": "1"},
            )
        try:
            while "Ctrl-C stops" not in log.read_text():
                if up.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.2)
            links = dict(re.findall(rf", ({'|'.join(ROLES)})\s+(http\S+)", log.read_text()))
            yield Demo(f"http://127.0.0.1:{port}", links)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_readme_picture(browser: Browser, demo: Demo) -> None:
    state = signed_in(browser, demo.links["engineer"])
    picture = ROOT / "docs" / "images" / "overview.png"
    tab = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="light", storage_state=state
    ).new_page()
    tab.goto(f"{demo.address}/p/digits/")
    tab.evaluate(PAINTED)
    tab.screenshot(path=picture)
    print(picture)


def take_pages(browser: Browser, demo: Demo, pages: list[Page], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    needed = {page.who for page in pages if page.who}
    states = {who: signed_in(browser, demo.links[who]) for who in sorted(needed)}
    for page in pages:
        for theme in THEMES:
            for width, height in SIZES.items():
                picture = folder / f"{page.name}-{theme}-{width}.png"
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    reduced_motion="reduce",
                    storage_state=states.get(page.who),
                )
                tab = context.new_page()
                tab.goto(demo.address + page.path)
                page.reach_state(Watched(tab))
                tab.evaluate(PAINTED)
                tab.screenshot(path=picture, full_page=True)
                context.close()
                print(picture, flush=True)


def signed_in(browser: Browser, link: str) -> Any:
    """The cookies of the person of a sign-in link."""
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(link)
    tab.locator("main button").first.click()
    tab.wait_for_url(lambda address: "/sign-in/" not in address)
    state = context.storage_state()
    context.close()
    return state


if __name__ == "__main__":
    main()
