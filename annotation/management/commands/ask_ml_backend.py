"""Add an ML backend to a project where it is new, and have it asked; with --wait, stay until it has answered."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation.ml_backends import registration
from annotation.ml_backends.registration import BackendFields, BadBackend
from annotation.models import MLBackend
from jobs import execution
from jobs.models import Job, JobState
from projects.models import Project

PATIENCE = 5.0  # seconds that a worker has to take the job before this process does it
POLL = 0.3


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("url", help="Before /health, /setup and /predict.")
        parser.add_argument("--name", default="backend")
        parser.add_argument("--queue", default="", help="The items of this queue alone.")
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, url: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        fields = BackendFields(options["name"], url, options["queue"])
        try:
            backend = registration.add(project, fields, once=f"command {fields}", by=None, at=timezone.now())
        except BadBackend as why:
            raise CommandError(str(why)) from None
        job = registration.request_suggestions(backend, at=timezone.now())
        if options["wait"]:
            job = ended(job)
            if job.state != JobState.SUCCEEDED:
                raise CommandError(job.error or f"The job was {job.state}.")
        self.stdout.write(self.describe(backend, job, as_json=options["json"]))

    def describe(self, backend: MLBackend, job: Job, *, as_json: bool) -> str:
        if as_json:
            return json.dumps({"backend": backend.uid, "state": job.state, **job.result})
        if not job.result:
            return f"{backend.name} is asked about what waits."
        done = job.result
        problem = f" {done['problem']}" if done.get("problem") else ""
        kept, unusable = done.get("kept", 0), done.get("unusable", 0)
        return f"{kept:,} suggestions of {done.get('version')}, {unusable:,} unusable.{problem}"


def ended(job: Job) -> Job:
    """The job when it has ended. One that no worker takes is done here; the claim keeps it from being done twice."""
    began = time.monotonic()
    while True:
        job = Job.objects.get(pk=job.pk)
        if job.state not in (JobState.QUEUED, JobState.RUNNING):
            return job
        if job.state == JobState.QUEUED and time.monotonic() - began > PATIENCE:
            execution.run(job.pk)
        time.sleep(POLL)
