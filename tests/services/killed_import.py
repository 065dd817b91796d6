"""An import job whose process is ended by SIGKILL again and again, and started again; prints what came of it as JSON.

The file has rows without a key, equal ones, and refused ones. The database is that of DATABASE_URL.
"""

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation import import_jobs, importing, uploads  # noqa: E402
from annotation.import_bodies import PreparedBatch  # noqa: E402
from annotation.models import DataImport, Item, Prediction, Resolution, Signal  # noqa: E402
from jobs import execution, faults  # noqa: E402
from jobs.models import Job  # noqa: E402
from projects.models import Role  # noqa: E402
from tests.factories import make_project, make_user  # noqa: E402

ROWS, BATCH = 60, 7
KILLS = [("inside_step", 0), ("after_step", 1), ("read", 2), ("inside_step", 3), ("inside_commit", 0)]


def main() -> None:
    importing.BATCH, import_jobs.READ_AHEAD = BATCH, 0  # of any file: a second process reads it
    project = make_project("mail")
    owner = make_user("eva", project, Role.ENGINEER)
    upload = uploads.store_upload([lines().encode()], name="rows.jsonl", owner=owner, at=timezone.now())
    made = import_jobs.start_import(project, upload, by=owner, at=timezone.now())
    assert made.job_id is not None
    ends = [in_child(made.job_id, name, number) for name, number in KILLS]
    ends.append(in_child(made.job_id, "", 0))
    made = DataImport.objects.select_related("job").get(pk=made.pk)
    found = {
        "database": connection.vendor,
        "ends": ends,
        "state": made.state,
        "counted": [made.rows_read, made.created, made.existing, made.known, made.signals, made.refused],
        "refused": list(made.refused_rows.order_by("number").values_list("number", flat=True)),
        "stored": [model.objects.count() for model in (Item, Prediction, Resolution, Signal)],
        "texts": sorted(text for (text,) in Item.objects.values_list("inputs__text").iterator()),
    }
    print(json.dumps(found))


def lines() -> str:
    """Every third row is of a kind: with a key, label and signal; one of two equal rows without a key; refused."""
    made = []
    for number in range(ROWS):
        row = {"inputs": {"text": f"text {number // 6}"}, "predictions": [{"value": "spam", "model_version": "v1"}]}
        if number % 3 == 0:
            said = [{"id": f"s{number}", "kind": "comment", "value": "seen"}]
            row |= {"key": f"k{number}", "known": "ham", "signals": said}
        made.append(row if number % 3 < 2 else {"inputs": {"other": number}})
    return "\n".join(map(json.dumps, made))


def in_child(job_id: int, name: str, number: int) -> int:
    """Do the job in a forked process, which is killed where it passes this place for the so-many-th time."""
    Job.objects.filter(pk=job_id).update(lease_until=timezone.now() - timedelta(minutes=1), max_attempts=20)
    connections.close_all()  # no two processes may share a connection
    if (pid := os.fork()) == 0:
        kill_at(name, number)
        execution.run(job_id)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(place: str, number: int) -> None:
    passed, worker = count(), os.getpid()  # not the process that reads ahead for it

    def point(name: str) -> None:
        if name == place and next(passed) == number:
            os.kill(worker, signal.SIGKILL)

    faults.point = point
    if place == "read":
        import_jobs.prepare_batch = before(import_jobs.prepare_batch, lambda: point("read"))


def before(act: Callable[..., PreparedBatch], first: Callable[[], None]) -> Callable[..., PreparedBatch]:
    def both(*given: object, **more: object) -> PreparedBatch:
        first()
        return act(*given, **more)

    return both


if __name__ == "__main__":
    main()
