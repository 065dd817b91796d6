"""Make a project from a spec file, or from standard input where the file is a hyphen."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation import guidelines
from projects import members, specs
from projects.models import Project


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--spec", required=True, metavar="FILE")
        parser.add_argument(
            "--admin", default="", metavar="NAME", help="Who administers it; without a name, the installation's admins."
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, spec: str, admin: str, **options: Any) -> None:
        try:
            text = sys.stdin.read() if spec == "-" else Path(spec).read_text(encoding="utf-8")
            project = guidelines.create_project(slug, json.loads(text), by=None, at=timezone.now(), admin=admin)
        except OSError as why:
            raise CommandError(f"{spec} cannot be read: {why.strerror}.") from None
        except UnicodeDecodeError:
            raise CommandError(f"{spec} is not text in UTF-8.") from None
        except RecursionError:
            raise CommandError("The spec is nested too deeply.") from None
        except ValidationError as why:
            raise CommandError(" ".join(why.messages)) from None
        except (specs.BadSpec, members.MemberProblem, guidelines.GuidelineProblem) as why:
            raise CommandError(str(why)) from None
        except ValueError as why:  # also a number of more digits than Python reads
            raise CommandError(f"The spec is not JSON: {why}.") from None
        made = _figures(project)
        self.stdout.write(json.dumps(made) if options["json"] else _sentences(made))


def _figures(project: Project) -> dict[str, Any]:
    admins = project.memberships.order_by("user__username").values_list("user__username", flat=True)
    return {
        "slug": project.slug,
        "labels": len(project.schema().labels),
        "inputs": len(project.contract().inputs),
        "admins": list(admins),
    }


def _sentences(made: dict[str, Any]) -> str:
    """What was made, and the next step."""
    slug, admins = made["slug"], made["admins"]
    inputs = "1 input" if made["inputs"] == 1 else f"{made['inputs']} inputs"
    first = f"Project {slug} is made: {made['labels']} labels, {inputs}."
    if not admins:
        return f"{first} Nobody can open it yet: ./plumbline create_user NAME --role admin --project {slug}"
    key = f"./plumbline create_key --user {admins[0]} --project {slug} --scopes ingest,annotate,read"
    return f"{first} Administered by {', '.join(admins)}. A key for programs: {key}"
