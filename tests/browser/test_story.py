"""The whole story of the first day, as four people, against the real thing: web, worker, trainer and reaper.

`manage.py up` starts in an empty home; the demo is made; Ada labels from the keyboard until a run starts by itself;
Emil watches it, compares, promotes and calls the API; Ruth checks a suspected label; Noor looks at the console.
"""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
LAUNCH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MINUTE = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.services]


@dataclass(frozen=True)
class Installation:
    """A running Plumbline with its sign-in links."""

    address: str
    home: str
    links: dict[str, str]

    def manage(self, *words: str) -> str:
        environment = {**os.environ, "PLUMBLINE_HOME": self.home}
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    home = tempfile.mkdtemp(prefix="plumbline-story-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = Path(home, "up.log")
    environment = {**os.environ, "PLUMBLINE_HOME": home, "PYTHONUNBUFFERED": "1"}
    with log.open("w") as out:
        up = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 240
    while "Each link signs in once" not in log.read_text():
        assert up.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    links = dict(re.findall(r"(\w+) \w+, \w+\s+(http\S+)", log.read_text()))
    yield Installation(f"http://127.0.0.1:{port}", home, links)
    up.send_signal(signal.SIGINT)
    up.wait(30)
    said = log.read_text()
    shutil.rmtree(home, ignore_errors=True)
    assert "Traceback" not in said, said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=LAUNCH)
        yield chromium
        chromium.close()


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What the browser complained of: script errors, refused content."""
    found: list[str] = []
    yield found
    assert found == []


def enter(browser: Browser, installation: Installation, name: str, problems: list[str], link: str = "") -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 400 else None)
    page.goto(link or installation.links[name])
    page.locator("main button").click()
    expect(page).not_to_have_url(re.compile("sign-in"))
    return page


def test_the_loop_turns_once(installation: Installation, browser: Browser, problems: list[str]) -> None:
    _ada_labels_until_a_run_starts(enter(browser, installation, "Ada", problems))
    emil = enter(browser, installation, "Emil", problems)
    _emil_watches_compares_and_promotes(emil, installation)
    _the_next_predictions_come_from_the_new_version(installation)
    _ruth_checks_a_suspected_label(enter(browser, installation, "Ruth", problems), installation)
    _noor_looks_at_the_console(enter(browser, installation, "Noor", problems), installation)


def _ada_labels_until_a_run_starts(page: Page) -> None:
    """About twenty digits, one key each, and the answers are sent."""
    shown = page.locator(".stage .meta span").first
    for number in range(24):
        before = shown.inner_text()
        page.keyboard.press(str(number % 10))
        expect(shown).not_to_have_text(before)
    expect(page.get_by_text("All answers sent")).to_be_visible(timeout=MINUTE)


def _emil_watches_compares_and_promotes(page: Page, installation: Installation) -> None:
    page.goto(f"{installation.address}/p/digits/runs/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    deadline = time.monotonic() + 60
    run = f"{installation.address}/p/digits/runs/2/"
    while page.request.get(run).status != 200:
        assert time.monotonic() < deadline, "no run started by itself"
        page.wait_for_timeout(500)
    page.goto(run)
    expect(page.locator("main")).to_contain_text(re.compile("v2"), timeout=2 * MINUTE)  # its progress is polled
    page.goto(f"{installation.address}/p/digits/compare/2/")
    expect(page.locator(".answer")).to_contain_text("points")
    page.get_by_role("button", name="Promote v2").first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator("input[type=text], input:not([type])").first.fill("v2")
    if (reason := dialog.locator("textarea, input[name=reason]")).count():
        reason.first.fill("Better on items that neither was trained on")
    dialog.get_by_role("button", name=re.compile("Promote")).click()
    expect(page.get_by_text(re.compile("v2")).first).to_be_visible()
    page.goto(f"{installation.address}/p/digits/")
    expect(page.locator(".station").last).to_contain_text("v2")


def _the_next_predictions_come_from_the_new_version(installation: Installation) -> None:
    key = installation.manage("create_key", "--user", "emil", "--project", "digits", "--scopes", "engineer,ingest,read")
    image = installation.manage("shell", "-c", "from overview import demo; print(demo.png(demo.digits()[0][9]))")
    request = urllib.request.Request(
        f"{installation.address}/api/v1/projects/digits/predict",
        data=json.dumps({"inputs": [{"image": image.splitlines()[-1]}], "keys": ["story-1"]}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answered:
        said = json.load(answered)
    assert (said["model_version"], said["degraded"]) == ("v2", False)
    assert said["predictions"][0]["label"] == "9"


def _ruth_checks_a_suspected_label(page: Page, installation: Installation) -> None:
    page.goto(f"{installation.address}/p/digits/label-quality/")
    cards = page.locator(".suspects .card")
    before = cards.count()
    assert before > 0
    page.keyboard.press("2")
    expect(page.get_by_text(re.compile("Last decided"))).to_contain_text("fixed")


def _noor_looks_at_the_console(page: Page, installation: Installation) -> None:
    for path, words in (
        ("/p/digits/performance/", "How good is the model now"),
        ("/p/digits/items/", "Which items are there?"),
        ("/admin/", "Plumbline"),
        ("/styleguide/", "Styleguide"),
    ):
        answered = page.goto(installation.address + path)
        assert answered is not None and answered.status == 200, path
        expect(page.locator("body")).to_contain_text(words)
    assert "the chain is complete" in installation.manage("verify_audit")


TICKETS = [
    ("Where is my parcel?", "delivery"),
    ("The courier left it with a neighbour", "delivery"),
    ("I was charged twice", "billing"),
    ("Please send the invoice again", "billing"),
]


def tickets(folder: Path, *, labelled: int = 60, waiting: int = 40) -> Path:
    """A table as a team has it: a key, a text, a number, and a label in most rows."""
    path = folder / "tickets.csv"
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["ticket", "message", "amount", "label"])
        for number in range(labelled + waiting):
            text, team = TICKETS[number % len(TICKETS)]
            rows.writerow([f"T-{number}", f"{text} Order {number}.", number * 1.5, team if number < labelled else ""])
    return path


@dataclass
class Hands:
    """A person without a mouse, whose keys are counted; a typed text counts once."""

    page: Page
    pressed: int = 0

    def press(self, key: str) -> None:
        self.pressed += 1
        self.page.keyboard.press(key)

    def reach(self, control: Locator) -> None:
        """Tab until the control has the focus."""
        control.wait_for()
        for _ in range(60):
            if control.evaluate("(each) => each === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"{control} is not reached by Tab")

    def enter(self, control: Locator) -> None:
        self.reach(control)
        self.press("Enter")

    def type_into(self, control: Locator, text: str) -> None:
        self.reach(control)
        self.pressed += 1
        self.page.keyboard.type(text)


def test_a_file_becomes_a_first_label_by_keys_alone(
    installation: Installation,
    browser: Browser,
    problems: list[str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    page = enter(browser, installation, "Emil", problems, installation.manage("sign_in_link", "emil"))
    page.on("filechooser", lambda chooser: chooser.set_files(tickets(tmp_path)))  # watched for before the page opens
    page.goto(f"{installation.address}/projects/new/")
    hands, begun = Hands(page), time.monotonic()
    hands.enter(page.get_by_role("link", name="Skip to the page"))
    hands.enter(page.get_by_label("File", exact=True))

    hands.type_into(page.get_by_label("Question, as people will read it"), "Which team should answer?")
    hands.press("Tab")
    expect(page.locator("#made")).to_contain_text("100 rows will be kept; 60 have a label already")
    hands.enter(page.get_by_role("button", name="Create and start labelling"))
    hands.enter(page.get_by_role("link", name="Start labelling"))
    expect(page.locator(".stage .item")).to_contain_text("Order")
    hands.press("1")
    expect(page.get_by_text("All answers sent")).to_be_visible(timeout=MINUTE)

    seconds = round(time.monotonic() - begun, 1)
    record_property("seconds_from_file_to_first_label", seconds)
    record_property("keys_from_file_to_first_label", hands.pressed)
    print(f"From the file to the first label: {seconds} s and {hands.pressed} keys.")
    stored = "from annotation.models import Label; print(Label.objects.filter(project__slug='tickets').count())"
    assert installation.manage("shell", "-c", stored).splitlines()[-1] == "1"
    assert hands.pressed < 70


def test_a_second_interrupt_while_stopping_does_no_harm() -> None:
    """A signal handler may interrupt itself: two at once must not lock the supervisor."""
    code = (
        "import os, signal, threading, time\n"
        "import django\n"
        "django.setup()\n"
        "from config.supervisor import Stop\n"
        "stop = Stop()\n"
        "pid = os.getpid()\n"
        "threading.Thread(target=lambda: [os.kill(pid, signal.SIGTERM) for _ in range(200)]).start()\n"
        "assert stop.wait(10)\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=30).returncode == 0
