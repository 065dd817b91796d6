"""Bring back the version that was live before the champion, or the threshold or policy that was in force before."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects.models import Project
from retraining import artifacts, release, rule_release
from retraining.models import Release, ReleaseKind, RuleKind


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--kind", choices=ReleaseKind.values, default=ReleaseKind.MODEL.value)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, reason: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        kind = ReleaseKind(options["kind"])
        try:
            made = _roll_back(project, kind, reason)
        except (release.CannotRelease, artifacts.ArtifactRefused) as why:
            raise CommandError(str(why)) from None
        name = "champion" if kind == ReleaseKind.MODEL else kind.value
        result = {name: made.tag or None, "previous": made.previous_tag or None}
        words = f"{made.tag} is live again in {slug}." if made.tag else f"No {kind} is in force in {slug}."
        self.stdout.write(json.dumps(result) if options["json"] else words)


def _roll_back(project: Project, kind: ReleaseKind, reason: str) -> Release:
    if kind == ReleaseKind.MODEL:
        return release.roll_back(project, by=None, reason=reason, at=timezone.now())
    rule = RuleKind(kind)
    return rule_release.roll_back_rule(project, rule, by=None, reason=reason, at=timezone.now())
