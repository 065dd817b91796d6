"""Predictions and the signals about them, captured at one moment by two threads; prints one JSON object.

Runs in a process of its own with PLUMBLINE_HOME and DATABASE_URL set.
"""

import json
import os
import sys
import threading
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation import capture  # noqa: E402
from annotation.models import Item, Signal  # noqa: E402
from annotation.signals.capture import capture_signals  # noqa: E402
from projects.models import InputContract, LabelSchema, Project  # noqa: E402

ROWS_A_BATCH = 40


def make_project() -> Project:
    now = timezone.now()
    project = Project.objects.create(slug="race", title="Race", created_at=now)
    LabelSchema.objects.create(project=project, version=1, labels=[{"value": "a"}, {"value": "b"}], created_at=now)
    InputContract.objects.create(project=project, version=1, inputs={"text": {"type": "text"}}, created_at=now)
    return project


def in_turn(batches: int, barrier: threading.Barrier, capture_batch: Callable[[int], object]) -> None:
    """Capture batch after batch, each at the same moment as the other thread."""
    try:
        for batch in range(batches):
            barrier.wait(timeout=60)
            capture_batch(batch)
    finally:
        connection.close()


def keys(batch: int) -> list[str]:
    return [f"{batch}-{row}" for row in range(ROWS_A_BATCH)]


def main() -> None:
    project, batches = make_project(), int(sys.argv[1]) // ROWS_A_BATCH

    def predictions(batch: int) -> None:
        rows = [{"key": key, "inputs": {"text": "x"}, "scores": {"a": 0.5, "b": 0.5}} for key in keys(batch)]
        capture.capture_rows(project, rows, at=timezone.now())

    def signals_about_them(batch: int) -> None:
        rows = [{"id": f"s{key}", "key": key, "kind": "thumbs_down"} for key in keys(batch)]
        capture_signals(project, rows, at=timezone.now())

    barrier = threading.Barrier(2)
    threads = [
        threading.Thread(target=in_turn, args=(batches, barrier, work)) for work in (predictions, signals_about_them)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "database": connection.vendor,
                "items": Item.objects.count(),
                "signals": Signal.objects.count(),
                "without_item": Signal.objects.filter(item=None).count(),
            }
        )
    )


if __name__ == "__main__":
    main()
