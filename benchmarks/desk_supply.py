"""Is a desk ever empty while unlabelled items exist? Simulated people at the desks of a real server.

    python -m benchmarks.desk_supply [--annotators 8 32] [--seconds 300] [--answers-a-second 1]

starts `up` with its default settings (web, worker, trainer, reaper) in a folder of its own, on SQLite or on the
PostgreSQL of DATABASE_URL, captures items with the scores of a model, and lets the people begin at one moment: each
keeps a desk's buffer by the desk's own calls, answers at the given mean pace and skips one item in fifty. It prints one
JSON line for each number of people. `empty_while_unlabelled` counts how often a desk without an item was given none
although there were items that nobody had labelled or held.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.simulated_desk import LABELS, Person, Server, sit

NUMBERS, CAPTURED_AT_ONCE = 6, 2000
SPEC = {
    "title": "Desk supply",
    "kind": "choice",
    "labels": LABELS,
    "inputs": {f"x{column}": {"type": "number"} for column in range(NUMBERS)},
}


def seed(n: int, annotators: int) -> tuple[int, str, list[Person]]:
    """A project with items, as the API captures them, and its people signed in."""
    from django.utils import timezone

    from annotation import capture
    from projects import specs
    from projects.models import Membership, Role, User

    now = timezone.now()
    project = specs.create_project(f"supply-{annotators}-{int(now.timestamp())}", SPEC, by=None, at=now)
    rng = np.random.default_rng(0)
    for start in range(0, n, CAPTURED_AT_ONCE):
        capture.capture_rows(project, rows(range(start, min(start + CAPTURED_AT_ONCE, n)), rng), at=timezone.now())
    users = [User.objects.create(username=f"{project.slug}-{place}", password="!") for place in range(annotators)]
    Membership.objects.bulk_create(
        [Membership(project=project, user=user, role=Role.ANNOTATOR, created_at=now) for user in users]
    )
    return project.pk, project.slug, [signed_in(user) for user in users]


def rows(keys: range, rng: np.random.Generator) -> list[dict[str, Any]]:
    values = rng.normal(size=(len(keys), NUMBERS)).round(4)
    raw = np.exp(2 * rng.normal(size=(len(keys), len(LABELS))))
    scores = (raw / raw.sum(axis=1, keepdims=True)).round(6)
    return [
        {
            "key": str(key),
            "inputs": {f"x{column}": float(value) for column, value in enumerate(numbers)},
            "scores": dict(zip(LABELS, map(float, p), strict=True)),
            "model_version": "model-1",
        }
        for key, numbers, p in zip(keys, values, scores, strict=True)
    ]


def signed_in(user: Any) -> Person:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session, token = client.cookies[settings.SESSION_COOKIE_NAME].value, "c" * 32
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}"
    return Person(user.pk, cookie, token)


def measure(annotators: int, *, items: int, seconds: float, pace: float) -> dict[str, Any]:
    from django.db import connection

    with running() as port:
        project_id, slug, people = seed(items, annotators)
        server, barrier = Server(port, project_id, slug), threading.Barrier(annotators)
        sittings = [
            threading.Thread(target=sit, args=(server, person, barrier, pace, seconds, place))
            for place, person in enumerate(people)
        ]
        for sitting in sittings:
            sitting.start()
        for sitting in sittings:
            sitting.join()
        return {
            "benchmark": "desk_supply",
            "database": connection.vendor,
            "annotators": annotators,
            "seconds": seconds,
            **figures_of_people(people, seconds),
            **figures_of_database(project_id),
        }


def figures_of_people(people: list[Person], seconds: float) -> dict[str, Any]:
    """What the people saw."""
    claims = np.concatenate([person.claims for person in people])
    submits = np.concatenate([person.submits for person in people])
    refused = [why for person in people for why in person.refused]
    return {
        "answers": sum(person.answers for person in people),
        "answers_a_second": round(sum(person.answers for person in people) / seconds, 1),
        "claims": len(claims),
        "empty": sum(person.empty for person in people),
        "empty_while_unlabelled": sum(person.empty_while_unlabelled for person in people),
        "seconds_without_an_item": round(sum(person.waited for person in people), 1),
        "claim_ms_p50": round(float(np.quantile(claims, 0.5)), 1),
        "claim_ms_p99": round(float(np.quantile(claims, 0.99)), 1),
        "submit_ms_p50": round(float(np.quantile(submits, 0.5)), 1),
        "submit_ms_p99": round(float(np.quantile(submits, 0.99)), 1),
        "refused": len(refused),
        "first_refused": refused[0] if refused else None,
    }


def figures_of_database(project_id: int) -> dict[str, Any]:
    """What the database holds afterwards."""
    from django.db.models import Count

    from annotation.models import Item, Label, LabelState, RoutedItem
    from jobs.models import Job

    labelled = Label.objects.filter(project=project_id, state=LabelState.GIVEN).values("item").distinct().count()
    jobs = Job.objects.filter(project=project_id).values_list("kind").annotate(n=Count("pk")).order_by("kind")
    causes = RoutedItem.objects.filter(project=project_id).values_list("cause").annotate(n=Count("pk")).order_by()
    return {
        "items": Item.objects.filter(project=project_id).count(),
        "labelled": labelled,
        "jobs": dict(jobs),
        "by_cause": dict(causes),
    }


@contextmanager
def running(starter: Sequence[str] = ("manage.py",)) -> Iterator[int]:
    """`up` without the demo: the free port on which it answers. All its processes end with it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, *starter, "up", "--no-demo", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.5)
    raise RuntimeError("The server did not start.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotators", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--answers-a-second", type=float, default=1, help="of each person")
    parser.add_argument("--items", type=int, default=20_000)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-supply-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        for annotators in given.annotators:
            pace = 1 / given.answers_a_second
            print(json.dumps(measure(annotators, items=given.items, seconds=given.seconds, pace=pace)), flush=True)


if __name__ == "__main__":
    main()
