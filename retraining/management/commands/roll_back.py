"""Bring back the version that was live before the champion."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects.models import Project
from retraining import artifacts, release


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, reason: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        try:
            made = release.roll_back(project, by=None, reason=reason, at=timezone.now())
        except (release.CannotRelease, artifacts.ArtifactRefused) as why:
            raise CommandError(str(why)) from None
        result = {"champion": made.version.tag, "previous": made.previous.tag if made.previous else None}
        self.stdout.write(json.dumps(result) if options["json"] else f"{result['champion']} is live again in {slug}.")
