"""Write every item of a project, with what is known of it, to a file."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exchange.rows import UnusableFile
from annotation.exporting import export_file, written_formats
from projects.models import Project


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--format", required=True, choices=written_formats())
        parser.add_argument("--out", required=True, type=Path, metavar="FILE")
        parser.add_argument(
            "--raw", action="store_true", help="CSV: texts as they are, also what a spreadsheet would run."
        )
        parser.add_argument("--full", action="store_true", help="Also how each item was chosen and agreed.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, format: str, out: Path, raw: bool, full: bool, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        unfinished = out.with_name(f"{out.name}.unfinished")  # nobody takes half an export for a whole one
        try:
            with unfinished.open("wb") as stream:
                count = export_file(project, stream, format, raw_cells=raw, full=full)
            os.replace(unfinished, out)
        except OSError as why:
            raise CommandError(f"{out} cannot be written: {why.strerror}.") from None
        except UnusableFile as why:
            raise CommandError(str(why)) from None
        finally:
            unfinished.unlink(missing_ok=True)
        self.stdout.write(
            json.dumps({"items": count, "file": str(out)}) if options["json"] else f"{count:,} items in {out}."
        )
