"""Restore a backup into an empty home and database, and verify every hash, row count and audit event of it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import startup
from config.backup.manifest import BackupProblem
from config.backup.restoring import Restored, restore


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="As `backup` made it.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            with startup.only_start(settings.HOME):
                done = restore(folder)
        except BackupProblem as why:
            raise CommandError(str(why)) from None
        self.stdout.write(json.dumps(_figures(done)) if options["json"] else _sentence(done))


def _figures(done: Restored) -> dict[str, Any]:
    made = done.manifest
    return {
        "made_at": made.made_at,
        "engine": made.engine,
        "files": len(made.files),
        "bytes": made.size,
        "rows": made.rows,
        "audit_events": made.audit_events,
        "migrations_applied": done.migrated,
        "absent": made.absent,
        "changed": made.changed,
    }


def _sentence(done: Restored) -> str:
    made = done.manifest
    newer = f" {done.migrated} newer migrations were applied." if done.migrated else ""
    return (
        f"Restored as of {made.made_at}: {made.rows:,} rows and {len(made.files):,} files, every hash verified; "
        f"{made.audit_events:,} audit events, the chain is complete.{newer}"
    )
