"""Print a new link that signs a person in, once, within 24 hours."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects import invitations, members
from projects.management.links import sign_in_address


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--address", default="", help="Where Plumbline answers, if not where it last started.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, name: str, address: str, **options: Any) -> None:
        user = invitations.named(name)
        if user is None:
            raise CommandError(f"There is no user {name}; make one: ./plumbline create_user {name}")
        if not user.is_active:
            raise CommandError(f"{name} may not sign in; an admin can change that in the console, under Users.")
        link = sign_in_address(members.new_link(user, at=timezone.now()), address)
        self.stdout.write(json.dumps({"user": name, "link": link}) if options["json"] else link)
