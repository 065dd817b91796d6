"""Make a project from a spec file, or from standard input where the file is a hyphen."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation import guidelines
from projects import specs


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--spec", required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, spec: str, **options: Any) -> None:
        try:
            text = sys.stdin.read() if spec == "-" else Path(spec).read_text(encoding="utf-8")
            project = guidelines.create_project(slug, json.loads(text), by=None, at=timezone.now())
        except OSError as why:
            raise CommandError(f"{spec} cannot be read: {why.strerror}.") from None
        except UnicodeDecodeError:
            raise CommandError(f"{spec} is not text in UTF-8.") from None
        except RecursionError:
            raise CommandError("The spec is nested too deeply.") from None
        except (specs.BadSpec, guidelines.GuidelineProblem) as why:
            raise CommandError(str(why)) from None
        except ValueError as why:  # also a number of more digits than Python reads
            raise CommandError(f"The spec is not JSON: {why}.") from None
        told = {"slug": project.slug, "labels": len(project.schema().labels), "inputs": len(project.contract().inputs)}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Project {slug} stands: {told['labels']} labels, {told['inputs']} inputs.")
