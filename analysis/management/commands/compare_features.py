"""Compare the inputs of captured items with those of a file: as they were at training, or in a feature store.

Without --time the file has one row for each key; with it, each item is compared with the row of its key that was known
when the item happened (a point-in-time join). The result stands on the page Input contract.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analysis.feature_files import FLAT
from analysis.feature_skew import SkewBody
from analysis.skew_reports import FeatureColumns, compare_file
from annotation.exchange.rows import UnusableFile
from annotation.importing import format_of_name
from projects.formatting import number, percent
from projects.models import Project


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", default="auto", choices=["auto", *FLAT])
        parser.add_argument("--key", default="", metavar="COLUMN")
        parser.add_argument("--time", default="", metavar="COLUMN")
        parser.add_argument(
            "--entity", default="", metavar="NAME", help="The input or segment whose value is the file's key."
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, file: Path, format: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        try:
            with file.open("rb") as stream:
                name = format if format != "auto" else format_of_name(file.name)
                columns = FeatureColumns(options["key"], options["time"], options["entity"])
                body = compare_file(project, stream, name, file=file.name, columns=columns, at=timezone.now())
        except OSError as why:
            raise CommandError(f"{file} cannot be read: {why.strerror}.") from None
        except UnusableFile as why:
            raise CommandError(f"{file}: {why}") from None
        self.stdout.write(json.dumps(msgspec.to_builtins(body)) if options["json"] else in_words(body))


def in_words(body: SkewBody) -> str:
    """One line for what was compared, one for each feature, one for each reason of a refused row."""
    lines = [
        f"{number(body.matched)} of the newest {number(body.items)} items have a row among {number(body.rows)}; "
        f"{number(body.refused)} rows refused."
    ]
    for one in body.features:
        size = "" if one.mean_difference is None else f", mean difference {one.mean_difference:.4g}"
        ends = f"[{percent(one.rate.low)}, {percent(one.rate.high)}]"
        lines.append(f"{one.name}: {percent(one.rate.value)} {ends} of {number(one.rate.n)} differ{size}")
    return "\n".join([*lines, *body.reasons])
