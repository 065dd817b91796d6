"""How long does a job take to merge two labels, and to undo it, over many labels given?

    python -m benchmarks.label_change [--labels 100000]

in a SQLite folder of its own, or on the PostgreSQL of DATABASE_URL: makes so many answered items, half of them labelled
junk, merges junk and scam into spam by the job of the settings page, and undoes it. One JSON line: seconds and
processor time of both jobs, what they changed, and how many labels are not as they were at the end.
"""

import argparse
import json
import os
import tempfile
import time
from typing import Any

LABELS = ("ham", "junk", "scam", "spam")
GIVEN = ("junk", "scam", "ham", "junk")  # of four items in a row


def seed(count: int) -> tuple[int, int]:
    """A project with so many answered items; its id and that of an engineer."""
    from django.utils import timezone

    from annotation import queues
    from annotation.models import Cause, Item, Label, LabelRevision, Lease, Resolution, RoutedItem, Slot
    from projects.ids import new_id
    from projects.models import InputContract, LabelSchema, Project, User

    now, slug = timezone.now(), new_id("merge").lower().replace("_", "-")
    project = Project.objects.create(slug=slug, title="Merge benchmark", created_at=now)
    labels = [{"value": value} for value in LABELS]
    LabelSchema.objects.create(project=project, version=1, labels=labels, created_at=now)
    InputContract.objects.create(project=project, version=1, inputs={"text": {"type": "text"}}, created_at=now)
    people = [User.objects.create(username=f"{slug}-{n}", password="!") for n in range(4)]
    queue = queues.ensure(project, Cause.UNCERTAIN, at=now)
    items = [
        Item(project=project, key=str(n), body_hash="", inputs={}, contract_version=1, at=now, captured_at=now)
        for n in range(count)
    ]
    Item.objects.bulk_create(items, batch_size=2000)
    known: dict[str, Any] = {"project": project, "queue": queue, "inclusion_probability": 1.0, "priority": 0.5}
    routed = [
        RoutedItem(item=item, cause=queue.cause, reason="", state="done", routed_at=now, **known) for item in items
    ]
    RoutedItem.objects.bulk_create(routed, batch_size=2000)
    slots = [
        Slot(project=project, queue=queue, routed=one, item=one.item, ordinal=0, state="filled", priority=1.0)
        for one in routed
    ]
    Slot.objects.bulk_create(slots, batch_size=2000)
    leases = [
        Lease(project=project, slot=slot, item=slot.item, user=people[n % 4], granted_at=now)
        for n, slot in enumerate(slots)
    ]
    Lease.objects.bulk_create(leases, batch_size=2000)
    shared: dict[str, Any] = {"project": project, "cause": queue.cause, "created_at": now, "updated_at": now}
    given = [
        Label(item=lease.item, lease=lease, slot=lease.slot, user=lease.user, value=GIVEN[n % 4], **shared)
        for n, lease in enumerate(leases)
    ]
    Label.objects.bulk_create(given, batch_size=2000)
    revisions = [
        LabelRevision(label=one, number=1, state="given", value=one.value, body_hash="", by=one.user, at=now)
        for one in given
    ]
    LabelRevision.objects.bulk_create(revisions, batch_size=2000)
    agreed = [
        Resolution(
            project=project, item=one.item, value=one.value, method="single", quality=1, votes=1, resolved_at=now
        )
        for one in given
    ]
    Resolution.objects.bulk_create(agreed, batch_size=2000)
    return project.pk, people[0].pk


def change(project_id: int, user_id: int, **asked: Any) -> tuple[dict[str, Any], int]:
    """Start the change and do its job here: what it took and changed, and the version that it made."""
    from django.utils import timezone

    from annotation import label_changes
    from annotation.models import LabelChange
    from jobs import execution
    from projects.models import Project, User
    from projects.settings_versions import fingerprint

    project, by = Project.objects.get(pk=project_id), User.objects.get(pk=user_id)
    base = fingerprint(project.schema().labels)
    wanted = label_changes.ChangeRequest(**asked)
    began, cpu = time.perf_counter(), time.process_time()
    made = label_changes.start_change(project, wanted, base=base, reason="", by=by, at=timezone.now())
    assert made.job is not None
    execution.run(made.job.pk)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    made = LabelChange.objects.get(pk=made.pk)
    if made.finished_at is None:
        raise RuntimeError(f"The job did not end: {made.error}")
    said = {"seconds": round(seconds, 2), "cpu_seconds": round(used, 2)}
    return {**said, "labels": made.labels, "resolutions": made.resolutions}, made.schema_version


def measure(count: int) -> dict[str, Any]:
    from django.db import connection

    from annotation.models import Label, Resolution

    project_id, user_id = seed(count)
    rows = [Label.objects.filter(project=project_id), Resolution.objects.current().filter(project=project_id)]
    before = [list(part.order_by("item").values_list("value", flat=True)) for part in rows]
    merged, version = change(project_id, user_id, act="merge", sources=("junk", "scam"), targets=("spam",))
    left = sum(part.filter(value__in=["junk", "scam"]).count() for part in rows)
    undone, _ = change(project_id, user_id, act="undo", undoes=version)
    after = [list(part.order_by("item").values_list("value", flat=True)) for part in rows]
    wrong = sum(x != y for old, new in zip(before, after, strict=True) for x, y in zip(old, new, strict=True))
    return {
        "benchmark": "label_change",
        "database": connection.vendor,
        "labels": count,
        "merge": merged,
        "undo": undone,
        "left_unmerged": left,
        "not_restored": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=135_000, help="three in four of them are merged")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plumbline-labels-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(measure(given.labels)), flush=True)


if __name__ == "__main__":
    main()
