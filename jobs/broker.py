"""The only place that talks to Celery's broker, and it never lets the broker break a request."""

import logging

from celery import current_app

log = logging.getLogger(__name__)
TASK = "jobs.run"


def send(job_id: int, *, queue: str, soft_seconds: int, hard_seconds: int) -> bool:
    """Send a hint that this job waits; False where the broker could not be reached."""
    try:
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
        return False
    return True
