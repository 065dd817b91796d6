"""A report job inside a real prefork worker; prints what it found as one JSON object.

Runs in a process of its own with PLUMBLINE_HOME set, because worker and test share a database on disk.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from analysis.models import Report  # noqa: E402
from jobs import queue  # noqa: E402
from jobs.models import OPEN, Job  # noqa: E402
from tests.analysis.test_reports import noisy  # noqa: E402

COMMAND = [
    sys.executable,
    "-m",
    "celery",
    "-A",
    "config",
    "worker",
    "--pool",
    "prefork",
    "--concurrency",
    "1",
    "--queues",
    "default",
    "--loglevel",
    "WARNING",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
]
PATIENCE = 120.0


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    project, ids = noisy()
    with Path(settings.HOME, "worker.log").open("wb") as log:
        worker = subprocess.Popen(COMMAND, stdout=log, stderr=log, start_new_session=True)
        try:
            job, _ = queue.enqueue("analysis.report", key="report", project=project, at=timezone.now())
            ended = wait(job)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    report = Report.objects.filter(project=project, kind="label_quality").last()
    print(
        json.dumps(
            {
                "state": ended.state,
                "error": ended.error,
                "worker": int(ended.worker.rpartition(":")[2]),
                "parent": worker.pid,
                "body": report.body if report else None,
                "suspects": list(project.findings.values_list("item_id", flat=True)),
                "flipped": ids[:10],
                "log": Path(settings.HOME, "worker.log").read_text(),
            }
        )
    )


def wait(job: Job) -> Job:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.state not in OPEN:
            return job
        time.sleep(0.2)
    raise SystemExit(f"The job is {job.state} after {PATIENCE:.0f} s.")


if __name__ == "__main__":
    main()
