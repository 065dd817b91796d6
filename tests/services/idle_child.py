"""A whole installation whose idle pool child is killed; prints what became of a job as one JSON object.

Runs in a process of its own with PLUMBLINE_HOME set, because it shares its database with the installation's processes.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from jobs import queue  # noqa: E402
from jobs.models import OPEN, Job  # noqa: E402
from tests.factories import make_project  # noqa: E402

PATIENCE = 120.0


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)]
    installation = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_until_ready(port)
        wait_until_idle()
        worker = children(installation.pid)[1]
        idle = children(worker)
        for pid in idle:
            os.kill(pid, signal.SIGKILL)
        print(json.dumps({"killed": idle, **watch(port)}))
    finally:
        installation.send_signal(signal.SIGTERM)
        installation.wait(30)


def watch(port: int) -> dict[str, Any]:
    """Enqueue a job and look at it and at /readyz until it has ended."""
    job, _ = queue.enqueue("annotation.route", key="route", project=make_project("p"), at=timezone.now())
    missing: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while job.state in OPEN and time.monotonic() < deadline:
        missing += [text for text in readiness(port) if text not in missing]
        time.sleep(0.2)
        job.refresh_from_db()
    left = time.monotonic() + PATIENCE
    while (after := readiness(port)) and time.monotonic() < left:
        time.sleep(0.2)
    return {"state": job.state, "attempt": job.attempt, "missing_meanwhile": missing, "missing_afterwards": after}


def readiness(port: int) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    return [part["detail"] for part in body["missing"]]


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if not readiness(port):
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"The installation is not ready after {PATIENCE:.0f} s.")


def wait_until_idle() -> None:
    """Until no job of the start is open, so that the kill meets a child that waits for work and holds the lock."""
    deadline, quiet = time.monotonic() + PATIENCE, 0
    while quiet < 10:
        if time.monotonic() > deadline:
            raise SystemExit(f"Jobs are still open after {PATIENCE:.0f} s.")
        quiet = 0 if Job.objects.filter(state__in=OPEN).exists() else quiet + 1
        time.sleep(0.2)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    main()
