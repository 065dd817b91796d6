"""The only place that talks to Celery's broker, and it never lets the broker break a request."""

import logging
import time
from pathlib import Path

from celery import current_app
from django.conf import settings

log = logging.getLogger(__name__)
TASK = "jobs.run"
FOLDERS = ("messages", "control")
SLOW_SECONDS = 0.3  # a failure that took so long was a silence, not a refusal
PAUSE_SECONDS = 5.0


class Pause:
    """Until when this process sends nothing, by its own clock: a silent broker costs one caller a wait, not each."""

    until = 0.0


def make_folders(home: Path) -> None:
    """The private folders of the file broker, made where they are missing."""
    for name in FOLDERS:
        (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def restore() -> None:
    """Make the file broker's folders again where somebody has removed them; the workers look for them all the time."""
    if settings.REDIS_URL:
        return
    try:
        make_folders(settings.BROKER_HOME)
    except OSError as error:
        log.warning("The folders of the broker cannot be made: %s", error)


def send(job_id: int, *, queue: str, soft_seconds: int, hard_seconds: int) -> bool:
    """Send a hint that this job waits; False where the broker could not be reached.

    A broker that accepts the connection and stays silent holds the caller for `config.celery.SEND_SECONDS`; for some
    seconds after that none is tried. The reaper sends what was not sent.
    """
    began = time.monotonic()
    if began < Pause.until:
        return False
    try:
        restore()
        current_app.send_task(
            TASK,
            kwargs={"job_id": job_id},
            queue=queue,
            retry=False,
            soft_time_limit=soft_seconds,
            time_limit=hard_seconds,
        )
    except Exception as error:  # kombu raises whatever its transport raises; the row keeps the job
        log.warning("The broker did not take the hint for job %s: %s", job_id, error)
        if time.monotonic() - began > SLOW_SECONDS:
            Pause.until = time.monotonic() + PAUSE_SECONDS
        return False
    return True
