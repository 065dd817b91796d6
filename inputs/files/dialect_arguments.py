"""Arguments of commands that say how a file of text is written, where that is not to be recognised."""

from argparse import ArgumentParser, ArgumentTypeError

from inputs.files.delimited import Dialect


def add_dialect_arguments(parser: ArgumentParser) -> None:
    """Add --separator, --decimal and --encoding."""
    parser.add_argument("--separator", metavar="MARK", type=parse_mark, help="Between cells of CSV; else recognised.")
    parser.add_argument("--decimal", choices=(".", ","), help="Mark of fractions in text; else recognised.")
    parser.add_argument("--encoding", metavar="NAME", help="Of CSV and JSON; else UTF-8 or UTF-16.")


def parse_mark(given: str) -> str:
    """One character, or tab by its name. Raises ArgumentTypeError."""
    mark = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(mark) != 1 or mark in '"\r\n':
        raise ArgumentTypeError("one character, or tab")
    return mark


def to_dialect(*, separator: str | None, decimal: str | None, encoding: str | None) -> Dialect:
    """The dialect that these arguments name; an empty text is one that is recognised."""
    return Dialect(separator or None, decimal or None, encoding or None)
