"""Take the README's picture, and one of each page beside it, from a fresh demo: `make screenshots`."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
LAUNCH = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PAGES = {"overview": ""}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="plumbline-shots-") as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = Path(home, "up.log")
        with log.open("w") as out:
            up = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port)],
                cwd=ROOT,
                stdout=out,
                stderr=out,
                env={**os.environ, "PLUMBLINE_HOME": home, "PYTHONUNBUFFERED": "1"},
            )
        try:
            while "Ctrl-C stops" not in log.read_text():
                if up.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.2)
            [link] = re.findall(r"Emil Castro, engineer\s+(\S+)", log.read_text())
            take(link, f"http://127.0.0.1:{port}")
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


def take(link: str, address: str) -> None:
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=LAUNCH)
        page = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light").new_page()
        page.goto(link)
        page.locator("main button").click()
        page.wait_for_load_state()
        for name, path in PAGES.items():
            page.goto(f"{address}/p/digits/{path}")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
