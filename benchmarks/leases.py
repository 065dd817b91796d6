"""Many people at one queue: real processes claim and answer until nothing is left, sending each answer twice.

    python -m benchmarks.leases --annotators 32 --items 1000

runs on SQLite in a throw-away folder, or on the PostgreSQL of DATABASE_URL, and prints one JSON line: milliseconds of
claims (of five) and of answers, statements refused, leases granted twice, labels per slot.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

COUNT = 5  # leases a claim
PATIENCE = 120.0  # seconds without an answer until a person gives up


@dataclass
class Sitting:
    """What one person did."""

    claims: list[float] = field(default_factory=list)  # milliseconds
    submits: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def count(self, status: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1


def seed(annotators: int, items: int, overlap: int) -> int:
    """A project with its people and items that wait; returns its id."""
    from django.utils import timezone

    from annotation import queues
    from annotation.models import Cause, Item
    from projects.ids import new_id
    from projects.models import InputContract, LabelSchema, Membership, Project, Role, User

    now, slug = timezone.now(), new_id("bench").lower().replace("_", "-")
    project = Project.objects.create(slug=slug, title="Lease benchmark", overlap=overlap, created_at=now)
    LabelSchema.objects.create(project=project, version=1, labels=[{"value": "a"}, {"value": "b"}], created_at=now)
    InputContract.objects.create(project=project, version=1, inputs={"text": {"type": "text"}}, created_at=now)
    people = User.objects.bulk_create([User(username=f"{slug}-{n}", password="!") for n in range(annotators)])
    Membership.objects.bulk_create(
        [Membership(project=project, user=user, role=Role.ANNOTATOR, created_at=now) for user in people]
    )
    Item.objects.bulk_create(
        [
            Item(
                project=project,
                key=str(n),
                body_hash=str(n),
                inputs={"text": f"message {n}"},
                contract_version=1,
                at=now,
                captured_at=now,
            )
            for n in range(items)
        ],
        batch_size=1000,
    )
    ids = Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)
    entries = [queues.Entry(pk, "waits", {}, 1.0, 1 - place / items) for place, pk in enumerate(ids)]
    queues.add_entries(queues.ensure(project, Cause.UNCERTAIN, at=now), entries, at=now)
    return project.pk


def sit(project_id: int, person: int, barrier: Any, results: Any) -> None:
    """One person's process: claim five, answer each twice, until the queue is empty."""
    from annotation.models import RoutedItem, RoutedState
    from projects.models import Project

    sitting = Sitting()
    project = Project.objects.get(pk=project_id)
    user = project.memberships.order_by("pk")[person].user
    barrier.wait()
    last = time.monotonic()
    while time.monotonic() - last < PATIENCE:
        leases = timed(sitting, sitting.claims, claim, project, user)
        for lease in leases or []:
            for _ in range(2):
                timed(sitting, sitting.submits, submit, sitting, project, user, lease.token)
            last = time.monotonic()
        if not leases:
            if not RoutedItem.objects.filter(project=project, state=RoutedState.OPEN).exists():
                break
            time.sleep(0.02)
    results.put(asdict(sitting))


def timed(sitting: Sitting, times: list[float], act: Any, *given: Any) -> Any:
    started = time.perf_counter()
    try:
        return act(*given)
    except Exception as error:  # what is counted here
        sitting.errors.append(f"{type(error).__name__}: {error}"[:200])
        return None
    finally:
        times.append(1000 * (time.perf_counter() - started))


def claim(project: Any, user: Any) -> list[Any]:
    from django.utils import timezone

    from annotation import leases

    return leases.claim(project, by=user, count=COUNT, at=timezone.now())


def submit(sitting: Sitting, project: Any, user: Any, token: str) -> None:
    from django.utils import timezone

    from annotation import labels

    sitting.count(labels.submit(project, token, value="a", by=user, at=timezone.now()).status)


def measure(annotators: int, items: int, overlap: int) -> dict[str, Any]:
    from django.db import connection, connections

    project_id = seed(annotators, items, overlap)
    vendor = connection.vendor
    connections.close_all()  # a forked connection would be shared
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(annotators + 1), fork.Queue()
    people = [fork.Process(target=sit, args=(project_id, n, barrier, results)) for n in range(annotators)]
    for person in people:
        person.start()
    barrier.wait()
    started = time.perf_counter()
    sittings = [results.get() for _ in people]
    seconds = time.perf_counter() - started
    for person in people:
        person.join()
    return {
        "benchmark": "leases",
        "database": vendor,
        "annotators": annotators,
        "items": items,
        "overlap": overlap,
        "seconds": round(seconds, 2),
        **client_figures(sittings),
        **database_figures(project_id),
    }


def client_figures(sittings: list[dict[str, Any]]) -> dict[str, Any]:
    """What the people saw: times, statuses, errors."""
    import numpy as np

    claims = np.concatenate([sitting["claims"] for sitting in sittings])
    submits = np.concatenate([sitting["submits"] for sitting in sittings])
    errors = [error for sitting in sittings for error in sitting["errors"]]
    statuses: dict[str, int] = {}
    for sitting in sittings:
        for status, n in sitting["statuses"].items():
            statuses[status] = statuses.get(status, 0) + n
    return {
        "claim_ms_p50": round(float(np.quantile(claims, 0.5)), 1),
        "claim_ms_p99": round(float(np.quantile(claims, 0.99)), 1),
        "submit_ms_p50": round(float(np.quantile(submits, 0.5)), 1),
        "submit_ms_p99": round(float(np.quantile(submits, 0.99)), 1),
        "submits": int(submits.size),
        "statuses": statuses,
        "errors": len(errors),
        "locked": sum("locked" in error for error in errors),
        "first_error": errors[0] if errors else None,
    }


def database_figures(project_id: int) -> dict[str, Any]:
    """What the database holds: leases granted twice, labels in each slot, people twice at one item."""
    from django.db.models import Count, Q

    from annotation.models import Label, LabelState, Lease, Resolution, Slot

    given = Q(labels__state=LabelState.GIVEN, labels__extra=False)
    slots = Slot.objects.filter(project=project_id).annotate(n=Count("labels", filter=given))
    per_slot = Counter(slots.values_list("n", flat=True))
    leases = Lease.objects.filter(project=project_id).values("slot").annotate(n=Count("pk"))
    twice = Label.objects.filter(project=project_id).values("item", "user").annotate(n=Count("pk"))
    return {
        "slots": slots.count(),
        "labels": Label.objects.filter(project=project_id).count(),
        "labels_per_slot": {str(n): k for n, k in sorted(per_slot.items())},
        "duplicate_leases": leases.filter(n__gt=1).count(),
        "people_twice_at_one_item": twice.filter(n__gt=1).count(),
        "resolutions": Resolution.objects.current().filter(project=project_id).count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotators", type=int, default=32)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--overlap", type=int, default=1)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-leases-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = str(Path(home))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(measure(given.annotators, given.items, given.overlap)), flush=True)


if __name__ == "__main__":
    main()
