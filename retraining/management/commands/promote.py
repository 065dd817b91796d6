"""Make a version the champion; the reason stays in the audit trail.

A version that was not judged against what serves now is judged first, and promoted only where the gate lets it.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects.models import Project
from retraining import artifacts, judging, registry, release
from retraining.models import ModelVersion, Release


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("version", help="Its tag, such as v3.")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, version: str, reason: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        try:
            made = promote_by_tag(project, version, reason)
        except (registry.UnknownModelVersion, release.CannotRelease, artifacts.ArtifactRefused) as why:
            raise CommandError(str(why)) from None
        result = {"champion": made.tag, "previous": made.previous_tag or None}
        self.stdout.write(json.dumps(result) if options["json"] else f"{result['champion']} is live in {slug}.")


def promote_by_tag(project: Project, tag: str, reason: str) -> Release:
    """Promote a version trained here, or else release one that is captured."""
    try:
        version = registry.version_by_tag(project, tag)
    except registry.UnknownModelVersion:
        return release.promote_captured(project, tag, by=None, reason=reason, at=timezone.now())
    return promote(version, reason)


def promote(version: ModelVersion, reason: str) -> Release:
    """Promote, judging first where the newest verdict is void. Raises CannotRelease where the new verdict holds it."""
    try:
        return release.promote(version, by=None, reason=reason, at=timezone.now())
    except release.VoidVerdict as why:
        judging.judge_again(version, by=None, at=timezone.now())
        version = ModelVersion.objects.select_related("project", "judgement").get(pk=version.pk)
        if judging.state_of(version, registry.incumbent(version.project)) != judging.VerdictState.PROMOTE:
            found = judging.gate_verdicts([version])[version.pk].words
            sentence = f"{why} It was judged again now. {found} To overrule this, give the same command again."
            raise release.CannotRelease(sentence) from None
    return release.promote(version, by=None, reason=reason, at=timezone.now())
