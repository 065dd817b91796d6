"""Walk the audit trail's hash chain and exit 1 at the first event that does not fit."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects import audit
from projects.models import AuditEvent


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        broken, events = audit.first_break(), AuditEvent.objects.count()
        if options["json"]:
            self.stdout.write(json.dumps({"events": events, "whole": broken is None, "break": broken and broken[1]}))
        if broken:
            raise CommandError(f"The audit trail is broken: {broken[1]}.")
        if not options["json"]:
            self.stdout.write(f"{events:,} events; the chain is whole.")
