"""The options of an import as the query of an address has them."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict

from annotation.exchange.rows import ColumnNames, UnusableFile
from annotation.import_options import ImportOptions
from inputs.files.dialect_arguments import parse_mark, to_dialect
from projects.models import Project
from validation.json_values import quote

COLUMN_OPTIONS: Mapping[str, str] = {
    "key": "Column of the key; key or id where absent.",
    "label": "Column of the label; label where absent.",
    "predicted": "Column of the predicted label; predicted where absent.",
    "scores": "What columns of scores begin with, before the label; scores. where absent.",
    "confidence": "Column of the score of the predicted label alone.",
    "version": "Column of the model's version; model_version where absent.",
    "time": "Column of the time; at where absent.",
    "annotator": "Column of the person who gave the label.",
}
OPTIONS: Mapping[str, str] = {
    "format": "The exchange format; by the name's ending where absent.",
    "dry_run": "1: keep nothing, and count what would become of each row.",
    **COLUMN_OPTIONS,
    "segment": "A column of the item's segment; may be there more than once.",
    "input": "NAME=COLUMN: an input and the column that it is taken from; may be there more than once.",
    "encoding": "Of a text file, such as latin-1; UTF-8 or UTF-16 where absent.",
    "separator": "Between the cells of CSV, one character or tab; recognised where absent.",
    "decimal": "The mark of fractions, . or a comma; recognised where absent.",
}
YES, NO = ("1", "yes", "true"), ("", "0", "no", "false")


@dataclass(frozen=True)
class AskedImport:
    """What an address asks for."""

    name: str
    format: str
    options: ImportOptions
    dry_run: bool


def parse_options(query: QueryDict, project: Project) -> AskedImport:
    """Raises UnusableFile for an option that does not exist or has no such value."""
    if unknown := [name for name in query if name not in OPTIONS and name != "name"]:
        raise UnusableFile(f"There is no option {quote(unknown[0])}; there are name, {', '.join(OPTIONS)}.")
    dry_run = query.get("dry_run", "")
    if dry_run not in YES + NO:
        raise UnusableFile(f"dry_run is {quote(dry_run)}; it takes 1 or 0.")
    if (decimal := query.get("decimal", "")) not in ("", ".", ","):
        raise UnusableFile(f"decimal is {quote(decimal)}; it takes . or a comma.")
    dialect = to_dialect(separator=_mark(query), decimal=decimal, encoding=query.get("encoding"))
    columns = ColumnNames(
        **{name: query.get(name, "") for name in COLUMN_OPTIONS},
        segment=tuple(filter(None, query.getlist("segment"))),
        inputs=dict(parse_input(given, project) for given in query.getlist("input") if given),
    )
    return AskedImport(query.get("name", ""), query.get("format", ""), ImportOptions(columns, dialect), dry_run in YES)


def parse_input(given: str, project: Project) -> tuple[str, str]:
    """The input and the column that NAME=COLUMN names. Raises UnusableFile."""
    inputs = project.contract().types()
    for name in sorted(inputs, key=len, reverse=True):
        if given.startswith(f"{name}=") and len(given) > len(name) + 1:
            return name, given[len(name) + 1 :]
    raise UnusableFile(f"input is {quote(given)}; it takes NAME=COLUMN, the name one of {', '.join(inputs)}.")


def _mark(query: QueryDict) -> str:
    given = query.get("separator", "")
    try:
        return parse_mark(given) if given else ""
    except ArgumentTypeError as why:
        raise UnusableFile(f"separator is {quote(given)}; it takes {why}.") from None
