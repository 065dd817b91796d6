"""Back up database, images, artifacts, signing key and audit head into an empty folder, while Plumbline runs."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.backup.making import make_backup
from config.backup.manifest import SECRET, BackupProblem, Manifest


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="Empty, or not there yet.")
        parser.add_argument(
            "--without-secret", action="store_true", help="Leave the signing key out; keep it elsewhere."
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, folder: Path, without_secret: bool, **options: Any) -> None:
        try:
            made = make_backup(folder, at=timezone.now(), with_secret=not without_secret)
        except BackupProblem as why:
            raise CommandError(str(why)) from None
        for word, names in (("is absent", made.absent), ("was changed after it was written", made.changed)):
            for name in names:
                self.stderr.write(f"{name} {word} here, so it is in the backup too.")
        self.stdout.write(json.dumps(_figures(folder, made)) if options["json"] else _sentence(folder, made))


def _figures(folder: Path, made: Manifest) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "engine": made.engine,
        "files": len(made.files),
        "bytes": made.size,
        "rows": made.rows,
        "audit_events": made.audit_events,
        "secret": SECRET in made.files,
        "absent": made.absent,
        "changed": made.changed,
    }


def _sentence(folder: Path, made: Manifest) -> str:
    key = "It holds the signing key: keep it as secret." if SECRET in made.files else "The signing key is not in it."
    return f"{folder} holds {made.rows:,} rows and {len(made.files):,} files, {made.size / 2**20:,.1f} MiB. {key}"
