"""The end of a training run: its row, and the webhook event that tells of it, in one transaction."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from jobs.models import EventType
from jobs.webhooks import outbox
from retraining.models import ModelVersion, RunState, TrainingRun


@transaction.atomic
def end_run(runs: QuerySet[TrainingRun], *, state: RunState, at: datetime, **fields: Any) -> bool:
    """End the one run that these rows are, if they are one still; False where they are none."""
    run = runs.select_related("project").first()
    if run is None or not runs.update(state=state, finished_at=at, **fields):
        return False
    version = ModelVersion.objects.filter(run=run).first()
    outbox.add_event(
        EventType.RUN_FINISHED,
        project=run.project,
        subject=f"run {run.pk} {state}",
        data={
            "run": run.number,
            "state": state,
            "reason": run.reason,
            "error": fields.get("error", ""),
            "version": version.tag if version else None,
        },
        at=at,
    )
    return True
