"""Import a file into a project: rows with their labels, or the export of another tool. The same file again changes
nothing."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ColumnNames, UnusableFile
from annotation.import_options import ImportOptions
from annotation.import_query import COLUMN_OPTIONS
from annotation.importing import (
    ImportResult,
    format_of_name,
    import_file,
    options_of_name,
)
from inputs.files.delimited import Dialect
from inputs.files.dialect_arguments import add_dialect_arguments, to_dialect
from projects.models import Project

SHOWN = 20  # refusals that the text names


class Command(BaseCommand):
    help = __doc__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """With --version as the column of the model's version, in place of Django's own."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", default="auto", choices=["auto", *FORMATS.names()])
        for column in COLUMN_OPTIONS:
            parser.add_argument(f"--{column}", default="", metavar="PREFIX" if column == "scores" else "COLUMN")
        parser.add_argument("--segment", action="append", default=[], metavar="COLUMN", help="May be given again.")
        parser.add_argument(
            "--input", action="append", default=[], metavar="NAME=COLUMN", help="Where the column has another name."
        )
        add_dialect_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Write nothing; say what would become of each row.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, file: Path, format: str, dry_run: bool, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        columns = ColumnNames(
            **{column: options[column] for column in COLUMN_OPTIONS},
            segment=tuple(options["segment"]),
            inputs=dict(_input_column(given) for given in options["input"]),
        )
        dialect = to_dialect(**{name: options[name] for name in asdict(Dialect())})
        try:
            with file.open("rb") as stream:
                name = format if format != "auto" else format_of_name(file.name)
                result = import_file(
                    project,
                    stream,
                    name,
                    options=options_of_name(file.name, ImportOptions(columns, dialect)),
                    folder=file.parent,
                    at=timezone.now(),
                    dry_run=dry_run,
                )
        except OSError as why:
            raise CommandError(f"{file} cannot be read: {why.strerror}.") from None
        except UnusableFile as why:
            raise CommandError(f"{file}: {why}") from None
        self.stdout.write(json.dumps(asdict(result)) if options["json"] else _sentences(result))


def _input_column(given: str) -> tuple[str, str]:
    """The input and the column that NAME=COLUMN names. Raises CommandError."""
    name, mark, column = given.partition("=")
    if not (name and mark and column):
        raise CommandError(f"--input takes NAME=COLUMN; it is {given!r}.")
    return name, column


def _sentences(result: ImportResult) -> str:
    verb = "would be created" if result.dry_run else "created"
    lines = [
        f"{result.created:,} {verb} ({result.known:,} with a known label), {result.existing:,} existing, "
        f"{len(result.refused):,} refused, {result.signals:,} signals."
    ]
    lines += [f"Row {refusal.number:,}: {refusal.error}" for refusal in result.refused[:SHOWN]]
    if (more := len(result.refused) - SHOWN) > 0:
        lines.append(f"And {more:,} more; --json names all of them.")
    return "\n".join(lines)
