"""Why a column has its role, in a few words made of numbers."""

import re
from typing import Any

import pandas as pd

from inputs.files import column_names as names
from inputs.files.profiles import ColumnProfile
from inputs.files.spellings import folded

FEW_NAMED = 3
LONGEST_NAMED = 12
DAY_OR_MONTH = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]")
YEARS = range(1800, 2200)
MANY = 12  # different values from which a column of a telling name says who a person is
LONG_NUMBER = 10**5
CONTENTS = {
    "conversation": "turns with roles",
    "vector": "lists of numbers",
    "image": "pictures",
    "image_url": "addresses of pictures, which the import fetches",
}


def names_a_person(column: ColumnProfile) -> bool:
    """Whether the values say how a person is called or reached, or the name does and the values may."""
    if column.person == "names of people":
        return names.has(column.name, {"name", *names.OF_A_PERSON})
    varied = column.kind in ("text", "category") and column.distinct > MANY
    long = column.kind == "number" and column.high >= LONG_NUMBER
    return bool(column.person) or ((varied or long) and names.names_person(column.name))


def is_ambiguous_date(column: ColumnProfile) -> bool:
    """Whether dates such as 04/05/2026 stand in it, which an import refuses."""
    return column.kind == "time" and any(DAY_OR_MONTH.match(cell) for cell in column.examples)


def reason_of(column: ColumnProfile, role: str) -> tuple[str, bool]:
    """The reason, and whether a person should look at it."""
    if role == "ignore":
        return _why_ignored(column)
    if column.unlike:
        return f"{column.unlike:,} of {column.n:,} are no numbers", True
    if role == "label" and (twice := spelt_twice(column)):
        return f"{twice} {'label' if twice == 1 else 'labels'} spelt two ways", True
    if role == "key":
        return ("differs in every row", False) if column.differs else (_repeats(column), True)
    if column.missing and role in ("text", "image", "conversation", "number", "category", "boolean", "time", "vector"):
        return f"{column.missing:,} of {column.n:,} are empty", True
    if column.kind == "time":
        return _times(column)
    return _in_numbers(column, role), False


def _why_ignored(column: ColumnProfile) -> tuple[str, bool]:
    if column.kind == "empty":
        return "empty in every row", False
    if names_a_person(column):
        return "names a person", True
    if is_ambiguous_date(column):
        return "day or month first? write 2026-11-23", True
    if column.kind == "image_path":
        return "paths of pictures; ./plumbline import_data reads them", True
    if column.distinct == 1 and not column.missing:
        return "the same in every row", False
    if names.has(column.name, names.SPLIT):
        return f"divides the file: {_named(column)}", False
    if column.distinct < column.n and names.has_last(column.name, {"id"}):
        return f"an id that repeats: {column.distinct:,} in {column.n:,} rows", False
    return _in_numbers(column, column.kind), False


def _repeats(column: ColumnProfile) -> str:
    if column.missing:
        return f"{column.missing:,} of {column.n:,} are empty"
    return f"{column.distinct:,} different in {column.n:,} rows"


def _in_numbers(column: ColumnProfile, role: str) -> str:
    if column.kind == "text":
        return f"{column.words:.0f} words on average" if column.words >= 2 else f"{column.distinct:,} different"
    if column.whole and column.kind == "number" and {int(column.low), int(column.high)} <= set(YEARS):
        return f"{column.low:.0f} to {column.high:.0f}"
    if column.kind == "number" and role not in ("label", "predicted", "category", "segment", "version"):
        return f"{_number(column.low)} to {_number(column.high)}"
    if column.kind in CONTENTS:
        return CONTENTS[column.kind]
    if role == "version" or column.distinct <= 2:
        return _named(column)
    empty = f", {column.missing:,} empty" if column.missing else ", none empty" if role == "predicted" else ""
    return f"{column.distinct:,} values{empty}"


def _named(column: ColumnProfile) -> str:
    """How many values, and their names where they are few and short."""
    words = "1 value" if column.distinct == 1 else f"{column.distinct:,} values"
    short = column.distinct <= FEW_NAMED and all(len(value) <= LONGEST_NAMED for value in column.values)
    return f"{words}: {', '.join(sorted(column.values))}" if short and column.values else words


def _times(column: ColumnProfile) -> tuple[str, bool]:
    if is_ambiguous_date(column):
        return "day or month first? write 2026-11-23", True
    first, last = (_day(moment, other) for moment, other in ((column.low, column.high), (column.high, None)))
    return f"{first} to {last}, UTC", False


def _day(moment: Any, other: Any) -> str:
    """A day in words; with its year where the other one is of another year, or where it ends the sentence."""
    day = pd.Timestamp(moment)
    year = "" if other is not None and pd.Timestamp(other).year == day.year else f" {day.year}"
    return f"{day.day} {day:%b}{year}"


def _number(value: float) -> str:
    sign, size = ("\N{MINUS SIGN}" if value < 0 else ""), abs(value)
    if size.is_integer() and size < 1e15:
        return f"{sign}{size:,.0f}"
    return f"{sign}{size:,.2f}" if 0.01 <= size < 1e6 else f"{sign}{size:.3g}"


def spelt_twice(column: ColumnProfile) -> int:
    """How many values of a column occur in several spellings."""
    return len(column.levels) - len({folded(value) for value in column.values})
