"""What this installation needs to work, what of it is missing, and how to repair it."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from jobs import registry, stalls
from jobs.models import Beat
from projects.models import Project

FREE_BYTES = 200 * 2**20  # less than this is a full disk: SQLite's journal and one batch need some of it
SEEN_WITHIN = timedelta(seconds=30)
QUEUES = {"worker": "default", "file-worker": "files", "trainer": "train"}
PROCESSES = {
    "worker": (
        "Routing, reports and scoring wait until one runs.",
        "celery -A config worker --queues default",
    ),
    "file-worker": (
        "Imports, exports, comparisons of feature files and ML backends wait until one runs.",
        "celery -A config worker --queues files --concurrency 1",
    ),
    "trainer": (
        "Training runs wait until one runs.",
        "celery -A config worker --queues train --concurrency 1",
    ),
    "reaper": (
        "Work whose worker died stays where it is, and nothing periodic happens.",
        "./plumbline reap",
    ),
}


@dataclass(frozen=True)
class Check:
    """One thing that must be there: whether it is, in words, and the command that repairs it."""

    name: str
    ok: bool
    words: str
    remedy: str = ""


@dataclass(frozen=True)
class ProjectProblem:
    """What is wrong with one project, in a sentence for its members."""

    check: str
    project: Project
    words: str


def checks(*, at: datetime) -> list[Check]:
    """All of them; where the database is away nothing else can be asked."""
    database = check_database()
    if not database.ok:
        return [database, check_disk(), check_broker()]
    migrations = check_migrations()
    if not migrations.ok:
        return [database, migrations, check_disk(), check_broker()]
    return [database, migrations, check_disk(), check_broker(), *check_processes(at=at), *check_projects()]


def check_database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Check("database", False, "The database does not answer.", "Start it, and look at DATABASE_URL.")
    return Check("database", True, f"The database answers ({connection.vendor}).")


def check_migrations() -> Check:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        words = "1 migration is" if len(waiting) == 1 else f"{len(waiting)} migrations are"
        return Check("migrations", False, f"{words} not applied.", "./plumbline migrate")
    return Check("migrations", True, "All migrations are applied.")


def check_disk() -> Check:
    """A full disk takes no label, prediction or model; what is there stays whole."""
    try:
        free = shutil.disk_usage(settings.HOME).free
    except OSError:
        return Check("disk", False, "PLUMBLINE_HOME is not there.", f"Look at {settings.HOME}.")
    if free < FREE_BYTES:
        words = f"The disk of PLUMBLINE_HOME is full: {free // 2**20} MiB are left. Nothing new can be kept."
        return Check("disk", False, words, f"Make space in {settings.HOME}, or move it to a larger disk.")
    return Check("disk", True, f"The disk has {free / 2**30:,.1f} GiB left.")


def check_broker() -> Check:
    """The broker carries hints only: without it work is delayed by a reaper interval, and a label is taken as ever."""
    if settings.REDIS_URL:
        return _check_redis()
    try:
        with tempfile.NamedTemporaryFile(dir=settings.BROKER_HOME / "messages", prefix="probe-"):
            pass
    except OSError:
        return Check("broker", False, "The broker folder cannot be written.", f"Look at {settings.BROKER_HOME}.")
    return Check("broker", True, "The broker folder can be written.")


REDIS_SETTINGS = {"maxmemory-policy": "noeviction", "appendonly": "yes"}


def check_broker_settings() -> Check:
    """With these Redis neither drops hints when its memory is full nor forgets them when it ends."""
    import redis  # noqa: PLC0415  only where Redis is the broker

    if not settings.REDIS_URL:
        return Check("broker settings", True, "The broker folder needs none.")
    try:
        with _redis() as client:
            found = {name: client.config_get(name).get(name) for name in REDIS_SETTINGS}
    except redis.ResponseError:
        return Check("broker settings", True, "Redis does not let its settings be asked.")
    except redis.RedisError:
        return Check("broker settings", False, "Redis cannot be asked for its settings.", "See broker.")
    for name, wanted in REDIS_SETTINGS.items():
        if found[name] != wanted:
            return Check(
                *("broker settings", False, f"Redis has {name} {found[name]} in place of {wanted}."),
                f"redis-cli CONFIG SET {name} {wanted}, and the same in its configuration file.",
            )
    return Check("broker settings", True, "Redis keeps what it is given.")


def _redis() -> Any:
    import redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    address = settings.REDIS_URL.replace("redis+socket://", "unix://")
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(address, socket_timeout=1, socket_connect_timeout=1, retry=once, decode_responses=True)


def _check_redis() -> Check:
    import redis  # noqa: PLC0415

    try:
        with _redis() as client:
            client.ping()
    except redis.TimeoutError:
        words = "Redis takes connections and does not answer within a second."
        return Check("broker", False, words, "Look at its log and load; start it again if it hangs.")
    except redis.RedisError:
        return Check("broker", False, "Redis does not answer.", "Start it, and look at REDIS_URL.")
    return Check("broker", True, "Redis answers.")


def check_processes(*, at: datetime) -> list[Check]:
    """One check per role, by the sign of life nearest to now: one that lies ahead is from before the clock was set."""
    newest: dict[str, Beat] = {}
    for beat in sorted(Beat.objects.all(), key=lambda beat: abs(at - beat.at), reverse=True):
        newest[beat.role] = beat
    return [_check_process(role, newest.get(role), at=at) for role in PROCESSES]


def _check_process(role: str, beat: Beat | None, *, at: datetime) -> Check:
    effect, command = PROCESSES[role]
    if beat is None:
        return Check(role, False, f"No {role} was ever seen. {effect}", command)
    silent = abs(at - beat.at)
    if silent > SEEN_WITHIN:
        return Check(role, False, f"No {role} has been seen for {_span(silent)}. {effect}", command)
    if role in QUEUES and (since := stalls.stalled_since([QUEUES[role]], at=at, longer_than=stalls.shown_after())):
        words = f"A {role} runs and begins no work: a job was sent to it {_span(at - since)} ago. It ends itself soon."
        return Check(role, False, words, f"Where nothing starts it again, start it: {command}")
    return Check(role, True, f"A {role} runs, seen {max(int(silent.total_seconds()), 0)} s ago.")


def roles_of(queues: Collection[str]) -> list[str]:
    """Which processes a worker of these queues is."""
    return [role for role, queue in QUEUES.items() if queue in queues]


def check_projects() -> list[Check]:
    """One check per kind of problem that a project can have. No project is named: these words are public."""
    counts = Counter(problem.check for problem in problems(Project.objects.filter(archived_at=None)))
    return [_check_projects(check, counts[check.name]) for check in registry.project_checks()]


def _check_projects(check: registry.ProjectCheck, n: int) -> Check:
    if not n:
        return Check(check.name, True, check.good)
    where = "In 1 project" if n == 1 else f"In {n:,} projects"
    return Check(check.name, False, f"{where} {check.bad}.", "Open the Overview of the project: it says why.")


def problems(projects: Iterable[Project]) -> list[ProjectProblem]:
    """Everything that the registered checks find wrong with these projects."""
    wanted = list(projects)
    return [
        ProjectProblem(check.name, project, words)
        for check in registry.project_checks()
        for project, words in check.find(wanted)
    ]


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} min" if minutes else f"{int(length.total_seconds())} s"
