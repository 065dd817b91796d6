"""Make an API key and print it, once, alone on standard output."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects import members
from projects.models import Project, User


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, metavar="NAME")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--scopes", required=True, help="Comma-separated: ingest, annotate, read, engineer.")
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        try:
            key, secret = members.create_key(project, user, scopes, by=None, at=timezone.now(), name=options["name"])
        except members.MemberProblem as why:
            raise CommandError(str(why)) from None
        result = {"key": secret, "prefix": key.prefix, "scopes": key.scopes}
        self.stdout.write(json.dumps(result) if options["json"] else secret)
