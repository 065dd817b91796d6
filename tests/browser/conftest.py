"""A real server with the demo in a home of its own, and Debian's Chromium, which reports everything that is wrong."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.fonts import font_configuration

PATIENCE = 60_000  # milliseconds that a page may take before a test fails: as long as a loaded machine needs
expect.set_options(timeout=PATIENCE)

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WATCH = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`));"""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one server and one Chromium for all of them
            item.add_marker(pytest.mark.flaky(reruns=1))  # a browser on a loaded machine; the summary counts the reruns


@dataclass(frozen=True)
class Site:
    """A running installation: its address, its home, and how each role signs in."""

    address: str
    home: Path
    links: dict[str, str]
    states: dict[str, Any] = field(default_factory=dict)


def environment(home: Path) -> dict[str, str]:
    given = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    }
    addresses = {"OUTGOING_NETWORKS": "203.0.113.0/24"}  # of documentation: pages take them, and nobody answers there
    return {**given, **addresses, "PLUMBLINE_HOME": str(home), "OMP_NUM_THREADS": "1", "LOG_LEVEL": "ERROR"}


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="plumbline-browser-"))
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.prepare"], cwd=ROOT, env=environment(home), capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "tests.browser.application:make_application()",
        "--bind",
        f"127.0.0.1:{port}",
        "--worker-class",
        "config.webserver.BufferedWorker",
        "--threads",
        "8",
        "--log-level",
        "error",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=environment(home))
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/healthz", server)
        yield Site(address, home, json.loads(made.stdout.splitlines()[-1]))
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For one module: while Playwright runs, its event loop keeps Django's database calls out of this thread."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium that knows only the wide font."""
    yield from launched(playwright, tmp_path_factory.mktemp("fonts"), "wide")


@pytest.fixture(scope="module")
def narrow_chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium that knows only the narrow font."""
    yield from launched(playwright, tmp_path_factory.mktemp("fonts"), "narrow")


def launched(playwright: Playwright, folder: Path, font: str) -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "Chromium is needed: apt-get install chromium"
    fonts: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(font_configuration(folder, font))}
    browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, env=fonts)
    yield browser
    browser.close()


@dataclass
class Watched:
    """A page and everything that went wrong in it."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda message: self.note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("response", lambda answer: self.answered(answer.status, answer.url))

    def note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.problems.append(f"console {kind}: {text}")

    def answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.problems.append(f"{status} from {url}")


Theme = Literal["light", "dark"]


@pytest.fixture
def open_page(request: pytest.FixtureRequest, site: Site) -> Iterator[Callable[..., Watched]]:
    """A function that opens a page as a role ("" is nobody) and fails the test at its end on any problem it met."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def opens(
        path: str,
        *,
        who: str = "",
        theme: Theme = "light",
        font: str = "wide",
        width: int = 1280,
        height: int = 800,
        **context: Any,
    ) -> Watched:
        browser: Browser = request.getfixturevalue("narrow_chromium" if font == "narrow" else "chromium")
        if who:
            context["storage_state"] = state_of(browser, site, who)
        made = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce", **context
        )
        made.add_init_script(WATCH)
        made.set_default_timeout(PATIENCE)
        watched = Watched(made.new_page())
        watched.watch()
        opened.append((made, watched))
        watched.page.goto(site.address + path)
        return watched

    yield opens
    problems = [problem for _, watched in opened for problem in watched.problems]
    for context, _ in opened:
        context.close()
    assert not problems, "\n".join(problems)


def state_of(chromium: Browser, site: Site, who: str) -> Any:
    """The cookies of a role, which signs in by its link the first time."""
    if who not in site.states:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(site.address + site.links[who])
        page.get_by_role("button", name="Sign in as").click()
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        site.states[who] = context.storage_state()
        context.close()
    return site.states[who]
