"""Take a project from a file that export_project wrote: all of it, verified, or nothing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from overview.project_archive.importing import ImportedProject, import_project
from overview.project_archive.values import BadArchive
from projects.members import MemberProblem


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--as", dest="slug", default="", metavar="SLUG", help="Another slug than its own.")
        parser.add_argument("--fingerprint", default="", help="As the export printed it: any other file is refused.")
        parser.add_argument("--admin", default="", metavar="NAME", help="Who administers it; all admins otherwise.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, file: Path, slug: str, fingerprint: str, admin: str, **options: Any) -> None:
        try:
            done = import_project(file, slug=slug, fingerprint=fingerprint, admin=admin, at=timezone.now())
        except (BadArchive, MemberProblem) as why:
            raise CommandError(f"{file} was not imported. {why}") from None
        self.stdout.write(json.dumps(_figures(done)) if options["json"] else _sentence(done))


def _figures(done: ImportedProject) -> dict[str, Any]:
    made = done.manifest
    return {
        "project": done.project.slug,
        "rows": made.rows,
        "audit_events": made.audit_events,
        "people": made.people,
        "new_people": done.new_people,
        "absent": made.absent,
        "fingerprint": done.fingerprint,
        "origin": done.origin,
    }


def _sentence(done: ImportedProject) -> str:
    made, new = done.manifest, len(done.new_people)
    return (
        f"Project {done.project.slug} is imported: {made.rows:,} rows and {made.audit_events:,} audit events. "
        f"The archive is {done.origin}; fingerprint {done.fingerprint}. "
        f"{new} of {made.people} people had no account here; nobody got a right."
    )
