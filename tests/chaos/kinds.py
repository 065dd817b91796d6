"""The work of the crash test: a job that takes a moment and leaves one effect that can be counted."""

import random
import time

from django.utils import timezone

from jobs import registry
from jobs.execution import Attempt
from projects import audit

EFFECT = "chaos.effect"


@registry.handles("chaos.work", queue="default", soft_seconds=60, hard_seconds=70)
def work(attempt: Attempt) -> None:
    steps = random.Random(attempt.job.pk).randint(2, 8)
    for step in range(steps):
        time.sleep(0.05)
        attempt._reported_at = 0.0  # every step writes, so that kills meet the writes
        attempt.progress(step / steps, f"Step {step}")
    with attempt.commit():
        audit.record(EFFECT, by=None, at=timezone.now(), target=f"job {attempt.job.pk}")
