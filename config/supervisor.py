"""Start web, worker, trainer and reaper as one family, bring back a child that dies, and end all of them together."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

GRACE_SECONDS = 10
RESTART_SECONDS = 2.0
QUIET_WARNING = "ignore:You're running the worker with superuser privileges"


@dataclass
class Child:
    """One process of the family."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor only, which then ends the family in order.
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **self.environment}, cwd=settings.BASE_DIR, start_new_session=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.started = time.monotonic()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Signal the whole group: a prefork worker's children must not outlive it."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


class Stop:
    """Set by a signal handler, which may interrupt itself: a plain flag, for the lock of an Event would not survive."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def wait(self, seconds: float) -> bool:
        """Sleep in short steps; True as soon as the end was asked for."""
        until = time.monotonic() + seconds
        while not self.asked and time.monotonic() < until:
            time.sleep(0.05)
        return self.asked


def family(*, port: int, workers: int) -> list[Child]:
    python = sys.executable
    celery = [python, "-m", "celery", "--quiet", "-A", "config", "worker", "--loglevel", "WARNING", "--without-gossip",
              "--without-mingle", "--without-heartbeat", "--pool", "prefork"]  # fmt: skip
    # One thread each: the family shares the cores. The warning is for pickles, and only JSON is accepted here.
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": QUIET_WARNING}
    return [
        Child("web", [python, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2",
                      "--worker-class", "gthread", "--threads", "8", "--log-level", "warning", "--graceful-timeout",
                      "5", "--no-control-socket", "--preload"], one_thread),
        Child("worker", [*celery, "--queues", "default", "--concurrency", str(workers), "--hostname", "worker@%h"],
              {"PLUMBLINE_WORKER": "worker", **one_thread}),
        Child("trainer", [*celery, "--queues", "train", "--concurrency", "1", "--hostname", "trainer@%h"],
              {"PLUMBLINE_WORKER": "trainer", **one_thread}),
        Child("reaper", [python, "manage.py", "reap"], one_thread),
    ]  # fmt: skip


def run(*, port: int, workers: int, say: Callable[[str], object], ready: Callable[[], None]) -> None:
    """Run the family until SIGINT or SIGTERM."""
    stop = Stop()
    children = family(port=port, workers=workers)
    try:
        for child in children:
            child.start()
        if _wait_for_web(children[0], port, stop):
            ready()
        _watch(children, stop, say)
    finally:
        end(children)
        say("Stopped.")


def _wait_for_web(web: Child, port: int, stop: Stop) -> bool:
    while not stop.asked and web.alive():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return True
        except OSError:
            stop.wait(0.1)
    return False


def _watch(children: list[Child], stop: Stop, say: Callable[[str], object]) -> None:
    while not stop.wait(0.5):
        for child in children:
            if not child.alive():
                code = child.process.returncode if child.process else None
                say(f"{child.name} ended by itself (code {code}); starting it again.")
                child.signal(signal.SIGKILL)  # what is left of its group
                stop.wait(max(0.0, RESTART_SECONDS - (time.monotonic() - child.started)))
                if not stop.asked:
                    child.start()


def end(children: list[Child]) -> None:
    """Ask every process to finish, then end what did not within the grace."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children:
        if child.process is not None:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        child.signal(signal.SIGKILL)
