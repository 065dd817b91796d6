"""Begin a training run; with --wait, stay until it has ended and exit 1 unless it left a version."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobs import execution
from jobs.models import JobState
from projects.models import Project
from retraining import judging, training
from retraining.models import RunState, TrainingRun
from retraining.run_records import TriggerEvidence

PATIENCE = 5.0  # seconds that a worker has to take the job before this process does it
POLL = 0.5


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, wait: bool, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        try:
            run = training.open_run(
                project,
                reason="Asked for on the command line.",
                evidence=TriggerEvidence(code="asked"),
                by=None,
                at=timezone.now(),
            )
        except training.RunInFlight as why:
            raise CommandError(str(why)) from None
        if wait:
            run = ended(run)
        result = describe_run(run)
        self.stdout.write(json.dumps(result) if options["json"] else run_sentence(result))
        if run.state in (RunState.FAILED, RunState.STOPPED):
            raise CommandError(f"Run {run.number} {run.state}: {run.error}")


def ended(run: TrainingRun) -> TrainingRun:
    """The run when it has ended. A job that no worker takes is done here; the claim keeps it from being done twice."""
    began = time.monotonic()
    while True:
        run = TrainingRun.objects.select_related("project", "job", "version").get(pk=run.pk)
        if not run.in_flight:
            return run
        if run.job is None or run.job.state not in (JobState.QUEUED, JobState.RUNNING):
            training.reconcile(at=timezone.now())
        elif run.job.state == JobState.QUEUED and time.monotonic() - began > PATIENCE:
            execution.run(run.job.pk)
        time.sleep(POLL)


def describe_run(run: TrainingRun) -> dict[str, Any]:
    version = getattr(run, "version", None)
    verdict = judging.gate_verdicts([version]).get(version.pk) if version else None
    return {
        "run": run.number,
        "state": run.state,
        "version": version.tag if version else None,
        "stage": version.stage if version else None,
        "verdict": verdict.words if verdict else None,
        "error": run.error,
    }


def run_sentence(result: dict[str, Any]) -> str:
    if result["version"]:
        return (
            f"Run {result['run']} {result['state']} with {result['version']} ({result['stage']}). {result['verdict']}"
        )
    return f"Run {result['run']} is {result['state']}."
