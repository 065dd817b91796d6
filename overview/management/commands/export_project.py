"""Write a whole project into one file: settings, items, images, labels, versions with their models, audit trail."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from overview.project_archive.exporting import export_project
from overview.project_archive.values import BadArchive
from projects.models import Project


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("file", type=Path, metavar="FILE", help="Must not be there yet.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, file: Path, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        try:
            done = export_project(project, file, at=timezone.now())
        except BadArchive as why:
            raise CommandError(str(why)) from None
        made, size = done.manifest, file.stat().st_size
        for name in made.absent:
            self.stderr.write(f"{name} is absent, changed or not signed here, so it is not in the archive.")
        figures = {
            **{"project": slug, "file": str(file), "bytes": size, "rows": made.rows, "people": made.people},
            **{"audit_events": made.audit_events, "absent": made.absent, "fingerprint": done.fingerprint},
        }
        words = f"{file} holds {slug}: {made.rows:,} rows, {size / 2**20:,.1f} MiB. Fingerprint {done.fingerprint}"
        self.stdout.write(json.dumps(figures) if options["json"] else words)
