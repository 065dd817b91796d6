"""Celery's side: one task that turns an id into one call, with the limits of the job's kind."""

import logging
import os
import socket
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection
from django.utils import timezone

from jobs import broker, execution, reaper

log = logging.getLogger(__name__)
BEAT_SECONDS = 5


@shared_task(name=broker.TASK, acks_late=False, ignore_result=True)
def run(*, job_id: int, **_: Any) -> None:
    execution.run(job_id)


@worker_ready.connect
def begin_beats(**_: Any) -> None:
    """Write this worker's sign of life until it ends; health reads it to name a missing worker."""
    threading.Thread(target=_beats, name="worker-beats", daemon=True).start()


def _beats() -> None:
    role = os.environ.get("PLUMBLINE_WORKER", "worker")
    while True:
        try:
            reaper.beat(f"{role}@{socket.gethostname()}", role, at=timezone.now())
        except Exception:  # a database that is away for a while must not end the thread
            log.warning("A sign of life was not written", exc_info=True)
            connection.close()
        threading.Event().wait(BEAT_SECONDS)
