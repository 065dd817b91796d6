"""Say what is missing or wrong in this installation and how to repair it; exit 1 where something is."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.doctor import examine
from jobs.health import Check


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = examine(at=timezone.now())
        wrong = [check for check in found if not check.ok]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "checks": [asdict(check) for check in found]}))
        else:
            self.stdout.write("\n".join(_line(check) for check in found))
        if wrong:
            verb = "thing is" if len(wrong) == 1 else "things are"
            raise CommandError(f"{len(wrong)} {verb} wrong: {', '.join(check.name for check in wrong)}.")


def _line(check: Check) -> str:
    if check.ok:
        return f"ok     {check.name}: {check.words}"
    return f"WRONG  {check.name}: {check.words}\n       {check.remedy}"
