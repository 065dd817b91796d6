"""Walk the audit trail's hash chain and exit 1 at the first event that does not fit.

A chain whose end was cut off fits in itself. Export its head now and then to a place that nobody here can write to, and
give it with --head: then a chain that ends before it, or goes another way, does not fit.
"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects import audit
from projects.models import AuditEvent


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--head", type=Path, metavar="FILE", help="A head that was exported before.")
        parser.add_argument(
            "--export-head", type=Path, metavar="FILE", help="Write the head, once the chain is complete."
        )

    def handle(self, *args: Any, head: Path | None, export_head: Path | None, **options: Any) -> None:
        broken = audit.first_break(_read_head(head) if head else None)
        events, newest = AuditEvent.objects.count(), audit.head()
        found = {"events": events, "whole": broken is None, "break": broken and broken[1]}
        if options["json"]:
            self.stdout.write(json.dumps({**found, "head": newest and asdict(newest)}))
        if broken:
            raise CommandError(f"The audit trail is broken: {broken[1]}.")
        if export_head:
            _write_head(export_head, newest)
        if not options["json"]:
            self.stdout.write(f"{events:,} {'event' if events == 1 else 'events'}; the chain is complete.")


def _read_head(path: Path) -> audit.Head:
    try:
        return audit.parse_head(path.read_text())
    except (OSError, UnicodeDecodeError) as why:
        raise CommandError(f"{path} cannot be read: {why}.") from None
    except audit.BadHead as why:
        raise CommandError(f"{path} holds no head. {why}") from None


def _write_head(path: Path, head: audit.Head | None) -> None:
    if head is None:
        raise CommandError("There is no event yet, so there is no head to export.")
    try:
        path.write_text(json.dumps(asdict(head)) + "\n")
    except OSError as why:
        raise CommandError(f"{path} cannot be written: {why}.") from None
