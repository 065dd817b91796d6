"""Start workers, kill them at random and at fault points, take the broker away, and check what was promised.

Runs in a process of its own with PLUMBLINE_HOME (and DATABASE_URL, REDIS_URL) set; prints one JSON object.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from jobs import queue, stalls, tasks  # noqa: E402
from jobs.models import OPEN, Job, JobState  # noqa: E402
from projects import audit  # noqa: E402
from projects.models import AuditEvent, User  # noqa: E402
from tests.chaos import kinds  # noqa: E402

FAULTS = "after_claim,before_work,after_progress,before_commit,inside_commit,after_commit"
ALLOWANCE = 10.0  # seconds beyond the lease within which killed work must run again
STARTING = 30.0  # seconds that a worker may take to start on a machine that is busy with other crash tests
LONGEST = 1500.0


@dataclass
class Family:
    """The processes under attack."""

    seed: int
    faults: float
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0

    def start(self, name: str) -> None:
        self.started += 1
        environment = dict(os.environ, PLUMBLINE_FAULT_SEED=f"{self.seed}-{self.started}")
        command = [sys.executable, "-m", "tests.chaos.reap"]
        if name != "reaper":
            environment["PLUMBLINE_FAULTS"] = ",".join(f"{point}={self.faults}" for point in FAULTS.split(","))
            command = [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "config",
                "worker",
                "-I",
                "tests.chaos.kinds",
                "-l",
                "CRITICAL",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                "-c",
                "2",
                "-Q",
                "default",
                "-n",
                f"{name}-{self.started}@chaos",
            ]
        with self.log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, env=environment, start_new_session=True, stdout=log, stderr=log
            )

    def log(self, name: str) -> Path:
        return Path(settings.HOME, f"{name}.log")

    def holds(self, name: str, worker: str) -> bool:
        """Whether what claimed a job as `worker` (host:pid) belongs to that process."""
        try:
            return os.getpgid(int(worker.rpartition(":")[2])) == self.processes[name].pid
        except ProcessLookupError:
            return False

    def children(self, name: str) -> list[int]:
        """The processes of this worker's pool."""
        pid = self.processes[name].pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            return []

    def said(self, name: str) -> str:
        return self.log(name).read_text()[-1500:]

    def kill(self, name: str) -> None:
        try:
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.processes[name].wait()

    def revive(self) -> int:
        """Start again what killed itself at a fault point; returns how many did."""
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in dead:
            if (code := self.processes[name].returncode) not in (-signal.SIGKILL, tasks.STALLED):
                raise RuntimeError(f"{name} ended by itself with code {code}: {self.said(name)}")
            self.kill(name)  # what is left of its group
            self.start(name)
        return len(dead)


@dataclass
class History:
    kills: Counter[str] = field(default_factory=Counter)
    brokers_wiped: int = 0
    requeued: int = 0
    recoveries: list[float] = field(default_factory=list)
    recoveries_in_storms: list[float] = field(default_factory=list)
    starts_after_idle_kills: list[float] = field(default_factory=list)


def run(*, seed: int, kills: int, jobs: int, faults: float) -> dict[str, Any]:
    """Enqueue, kill until enough were killed, let the rest finish, check."""
    call_command("migrate", verbosity=0, interactive=False)
    chance, history = random.Random(seed), History()
    family, lost = Family(seed, faults), Lost()
    person = User.objects.create(username="chaos")
    for name in ("worker-a", "worker-b", "reaper"):
        family.start(name)
    began, made = time.monotonic(), 0
    try:
        while time.monotonic() - began < LONGEST:
            waiting = Job.objects.filter(kind="chaos.work", state__in=OPEN).count()
            enough = history.kills.total() >= kills
            while waiting < 6 and (made < jobs or not enough):
                queue.enqueue("chaos.work", key=f"chaos-{made}", at=timezone.now())
                made, waiting = made + 1, waiting + 1
            history.kills["fault point"] += family.revive()
            lost.look(history)
            requeue_dead(person, history)
            if enough and not waiting:
                break
            if not enough:
                attack(chance, family, history, lost)
            time.sleep(chance.uniform(0.1, 0.6))
        made += attack_idle(family, history, made, rounds=max(1, kills // 20))
    finally:
        for name in list(family.processes):
            family.kill(name)
    return verdict(history, made)


def attack_idle(family: Family, history: History, made: int, *, rounds: int) -> int:
    """Kill the pool's children of both workers while no job is open, then time how soon a job is done all the same."""
    for number in range(rounds):
        _await_pools(family)
        for name in ("worker-a", "worker-b"):
            for pid in family.children(name):
                os.kill(pid, signal.SIGKILL)
                history.kills["idle child"] += 1
        began = time.monotonic()
        job, _ = queue.enqueue("chaos.work", key=f"chaos-{made + number}", at=timezone.now())
        while job.state != JobState.SUCCEEDED and time.monotonic() - began < 2 * idle_limit():
            history.kills["fault point"] += family.revive()
            requeue_dead(User.objects.get(), history)
            time.sleep(0.2)
            job.refresh_from_db()
        history.starts_after_idle_kills.append(time.monotonic() - began)
    return rounds


def _await_pools(family: Family) -> None:
    """Until both workers stand with all their children, so that the kill meets a pool that waits for work."""
    deadline = time.monotonic() + 2 * STARTING
    while time.monotonic() < deadline and not all(len(family.children(n)) == 2 for n in ("worker-a", "worker-b")):
        family.revive()
        time.sleep(0.2)
    time.sleep(1)


def idle_limit() -> float:
    """Within this a job that was enqueued after the kill is done: the stall shows, a worker ends, another starts."""
    return stalls.ended_after().total_seconds() + settings.JOB_RESEND_SECONDS + STARTING


def attack(chance: random.Random, family: Family, history: History, lost: "Lost") -> None:
    """Kill only workers that hold work: killing one that is still starting proves nothing.

    After every other kill the attack rests until what was lost runs again, so that its recovery can be timed; in
    between it goes on at once, and a third kill meets the second attempt.
    """
    if lost.resting:
        return
    victim = chance.choice(["worker-a", "worker-b"])
    running = Job.objects.filter(kind="chaos.work", state=JobState.RUNNING).values_list("pk", "attempt", "worker")
    held = [(pk, attempt) for pk, attempt, worker in running if family.holds(victim, worker)]
    if held and chance.random() < 0.5:
        family.kill(victim)
        history.kills["worker"] += 1
        lost.remember(held, history, rest=chance.random() < 0.5)
        family.start(victim)
    if chance.random() < 0.04:
        family.kill("reaper")
        history.kills["reaper"] += 1
        family.start("reaper")
    if chance.random() < 0.04:
        wipe_broker()
        history.brokers_wiped += 1


class Lost:
    """Jobs that a killed worker held, and how long until each ran again or ended."""

    def __init__(self) -> None:
        self.since: dict[tuple[int, int], tuple[float, int]] = {}
        self.resting = False

    def remember(self, held: list[tuple[int, int]], history: History, *, rest: bool) -> None:
        for key in held:
            self.since[key] = (time.monotonic(), history.kills.total())
        self.resting = rest

    def look(self, history: History) -> None:
        rows = Job.objects.filter(pk__in={pk for pk, _ in self.since}).in_bulk()
        for (pk, attempt), (since, kills) in list(self.since.items()):
            job = rows[pk]
            if job.attempt > attempt or job.state not in OPEN:
                alone = kills == history.kills.total()
                (history.recoveries if alone else history.recoveries_in_storms).append(time.monotonic() - since)
                del self.since[pk, attempt]
        self.resting = self.resting and bool(self.since)


def requeue_dead(person: User, history: History) -> None:
    """As a person would with the button: three kills in a row are bad luck here."""
    for job in Job.objects.filter(state=JobState.DEAD):
        queue.requeue(job, by=person, at=timezone.now())
        history.requeued += 1


def wipe_broker() -> None:
    """Everything that the broker holds is gone."""
    if settings.REDIS_URL:
        import redis  # noqa: PLC0415

        redis.Redis(unix_socket_path=settings.REDIS_URL.partition("://")[2]).flushall()
        return
    for path in Path(settings.BROKER_HOME, "messages").glob("*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(Path(settings.BROKER_HOME, "control"), ignore_errors=True)
    Path(settings.BROKER_HOME, "control").mkdir(mode=0o700, exist_ok=True)


def verdict(history: History, made: int) -> dict[str, Any]:
    """What was promised, counted."""
    effects = Counter(AuditEvent.objects.filter(action=kinds.EFFECT).values_list("target", flat=True))
    done = set(Job.objects.filter(kind="chaos.work", state=JobState.SUCCEEDED).values_list("pk", flat=True))
    slowest = max(history.recoveries, default=0.0)
    limit = settings.JOB_LEASE_SECONDS + ALLOWANCE
    result = {
        "jobs": made,
        "kills": history.kills.total(),
        "kills_by": dict(history.kills),
        "brokers_wiped": history.brokers_wiped,
        "requeued_by_hand": history.requeued,
        "lost": made - len(done),
        "doubled": sum(count > 1 for count in effects.values()),
        "without_effect": sum(f"job {pk}" not in effects for pk in done),
        "recoveries": len(history.recoveries),
        "median_recovery_seconds": round(statistics.median(history.recoveries or [0.0]), 1),
        "slowest_recovery_seconds": round(slowest, 1),
        "recovery_limit_seconds": limit,
        "recoveries_with_more_kills_on_the_way": len(history.recoveries_in_storms),
        "slowest_of_those_seconds": round(max(history.recoveries_in_storms, default=0.0), 1),
        "slowest_job_after_idle_kills_seconds": round(max(history.starts_after_idle_kills, default=0.0), 1),
        "idle_limit_seconds": idle_limit(),
        "audit_whole": audit.first_break() is None,
    }
    result["held"] = result["lost"] == result["doubled"] == result["without_effect"] == 0 and result["audit_whole"]
    result["in_time"] = slowest <= limit and max(history.starts_after_idle_kills, default=0.0) <= idle_limit()
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--faults", type=float, default=0.003)
    given = parser.parse_args()
    print(json.dumps(run(seed=given.seed, kills=given.kills, jobs=given.jobs, faults=given.faults)))
