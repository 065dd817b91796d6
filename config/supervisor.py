"""Supervisor of web, workers, trainer and reaper: start them, restart one that dies, and end all of them together.

The children are forked from this process, which has read every module already: a start takes seconds, not a minute,
and the family shares the memory of its libraries.
"""

import ctypes
import os
import signal
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.core.management import call_command
from django.db import connections
from gunicorn.app.wsgiapp import WSGIApplication

from config.celery import app as celery_app
from jobs import broker, health

GRACE_SECONDS = 10.0
RESTART_SECONDS = 2.0
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1


class Stop:
    """Set by a signal handler, which may interrupt itself: a plain flag, for the lock of an Event would not survive."""

    def __init__(self) -> None:
        self.asked = False
        for number in END_SIGNALS:
            signal.signal(number, self._request_end)

    def _request_end(self, *_: object) -> None:
        self.asked = True

    def wait(self, seconds: float) -> bool:
        """Sleep in short steps; True as soon as the end was asked for."""
        until = time.monotonic() + seconds
        while not self.asked and time.monotonic() < until:
            time.sleep(0.05)
        return self.asked


@dataclass
class Child:
    """One process of the family: a function that runs until a signal ends it."""

    name: str
    run: Callable[[], object]
    pid: int = 0
    code: int | None = None
    started: float = 0.0

    def start(self) -> None:
        connections.close_all()  # no two processes may share a connection
        sys.stdout.flush()
        self.code, self.started = None, time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(self._live())

    def _live(self) -> int:
        """The whole life of the child; returns its exit code."""
        os.setsid()  # Ctrl-C reaches the supervisor only, which then ends the family in order
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        die_with_parent()
        try:
            self.run()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        except BaseException:
            traceback.print_exc()
            return 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0

    def alive(self) -> bool:
        if self.pid and self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return bool(self.pid) and self.code is None

    def signal(self, number: int) -> None:
        """Signal the whole group: a prefork worker's children must not outlive it."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def die_with_parent() -> None:
    """Where the system can (Linux): a supervisor that is killed leaves no family behind."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (AttributeError, OSError):
        pass


def web(port: int) -> None:
    sys.argv = [
        "gunicorn",
        "config.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "2",
        "--preload",
        "--worker-class",
        "config.webserver.BufferedWorker",
        "--threads",
        "8",
        "--log-level",
        "warning",
        "--graceful-timeout",
        "5",
        "--no-control-socket",
    ]
    WSGIApplication("%(prog)s").run()


def worker(queue: str, name: str, concurrency: int) -> None:
    broker.restore()  # a worker ends where they are missing, and this one may take the place of such a one
    celery_app.start(
        [
            "--quiet",
            "worker",
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--pool",
            "prefork",
            "--queues",
            queue,
            "--concurrency",
            str(concurrency),
            "--hostname",
            f"{name}@%h",
        ]
    )


def family(*, port: int, workers: int) -> list[Child]:
    return [
        Child("web", lambda: web(port)),
        *(
            Child(role, partial(worker, queue, role, workers if role == "worker" else 1))
            for role, queue in health.QUEUES.items()
        ),
        Child("reaper", lambda: call_command("reap")),
    ]


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
                say(f"{child.name} ended by itself (code {child.code}); starting it again.")
                child.signal(signal.SIGKILL)  # what is left of its group
                stop.wait(RESTART_SECONDS - (time.monotonic() - child.started))
                if not stop.asked:
                    child.start()


def end(children: list[Child]) -> None:
    """Ask every process to finish, then end what did not within the grace."""
    begun = [child for child in children if child.pid]
    for child in begun:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(child.alive() for child in begun):
        time.sleep(0.05)
    for child in begun:
        child.signal(signal.SIGKILL)
