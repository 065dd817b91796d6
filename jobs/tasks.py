"""Celery's side: one task that turns an id into one call, and a thread that watches over each worker."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any

import billiard
from celery import shared_task
from celery.signals import worker_ready
from django.db import connection
from django.utils import timezone

from jobs import broker, execution, health, reaper, registry, stalls
from jobs.execution import Attempt
from jobs.webhooks import delivery, outbox

log = logging.getLogger(__name__)
BEAT_SECONDS = 5
STALLED = 75  # exit code of a worker that took no work any more (EX_TEMPFAIL); its supervisor starts it again


@shared_task(name=broker.TASK, acks_late=False, ignore_result=True)
def run(*, job_id: int, **_: Any) -> None:
    execution.run(job_id)


@registry.every(3600, "jobs.forget_ended")
def forget_ended(at: datetime) -> None:
    """Delete what ended well long ago."""
    reaper.forget_ended(at=at)
    delivery.forget_old(at=at)


@worker_ready.connect
def watch_worker(sender: Any, **_: Any) -> None:
    """Start the thread that writes this worker's sign of life, and ends the worker once it takes no work."""
    queues = tuple(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_watch, args=(queues,), name="worker-watch", daemon=True).start()


def _watch(queues: Collection[str]) -> None:
    ready = time.monotonic()
    pause = min(BEAT_SECONDS, stalls.shown_after().total_seconds())
    while True:
        try:
            for role in health.roles_of(queues):
                reaper.beat(f"{role}@{socket.gethostname()}", role, at=timezone.now())
            if time.monotonic() - ready > stalls.ended_after().total_seconds():
                end_if_stalled(queues)
        except Exception:  # a database that is away for a while must not end the thread
            log.warning("A sign of life was not written", exc_info=True)
            connection.close()
        time.sleep(pause)


def end_if_stalled(queues: Collection[str]) -> None:
    """End this worker and its pool where its queues have stalled; no job of theirs runs then, so none is lost."""
    since = stalls.stalled_since(queues, at=timezone.now(), longer_than=stalls.ended_after())
    if since is None:
        return
    log.critical("A job was sent at %s and no worker has begun it; this worker ends, to be started again", since)
    for pid in filter(None, (child.pid for child in billiard.active_children())):
        os.kill(pid, signal.SIGKILL)
    os._exit(STALLED)


@registry.handles(outbox.DELIVER)
def deliver_webhooks(attempt: Attempt) -> None:
    """Send the events that are due to one endpoint."""
    delivery.deliver_due(attempt, clock=timezone.now)


@registry.every(5, "jobs.webhooks")
def request_due_webhooks(at: datetime) -> None:
    """Send again what failed, once its pause is over."""
    delivery.request_due(at=at)
