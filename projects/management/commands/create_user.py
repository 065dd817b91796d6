"""Make a person, give a role where asked, and print a sign-in link that works once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects import invitations, members
from projects.management.links import sign_in_address
from projects.models import Project, Role


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values)
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--superuser", action="store_true", help="May administer the whole installation.")
        parser.add_argument("--address", default="", help="Where Plumbline answers, if not where it last started.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        if bool(options["role"]) != bool(options["project"]):
            raise CommandError("--role and --project go together.")
        try:
            link = sign_in_address(self._secret(name, options), options["address"])
        except (members.MemberProblem, ValidationError) as why:
            raise CommandError(" ".join(getattr(why, "messages", [str(why)]))) from None
        self.stdout.write(json.dumps({"user": name, "link": link}) if options["json"] else link)

    def _secret(self, name: str, options: dict[str, Any]) -> str:
        slug = options["project"]
        project = Project.objects.filter(slug=slug).first() if slug else None
        if slug and project is None:
            raise CommandError(f"There is no project {slug}.")
        return invitations.open_account(
            name,
            by=None,
            at=timezone.now(),
            full_name=options["full_name"],
            superuser=options["superuser"],
            project=project,
            role=Role(options["role"]) if slug else None,
        )
