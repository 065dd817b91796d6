"""Keyset pages: rows newest first, and a cursor that names the last row of a page, so that pages stay put while rows
arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import DateTimeField, Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from validation import InvalidInput

Row = TypeVar("Row", bound=Model)
SEPARATOR = "~"  # together with digits, letters, ":" and "." it stands in an address as it is
FIRST_YEAR, LAST_YEAR = 1970, 9000  # of times that rows have; far from where databases and zones overflow


class BadCursor(InvalidInput):
    """A cursor that no page gave."""


@dataclass(frozen=True)
class KeysetPage(Generic[Row]):
    """The rows of one page, and the cursor of the next, "" on the last."""

    rows: list[Row]
    next: str


def keyset_page(rows: QuerySet[Row], *, by: Sequence[str], after: str, size: int) -> KeysetPage[Row]:
    """The page behind a cursor, "" for the first, by these fields, the largest first. Raises BadCursor.

    The fields are whole numbers or times and name a row together.
    """
    found = list(behind(rows, by=by, after=after)[: size + 1])
    return KeysetPage(found[:size], cursor_of(found[size - 1], by=by) if len(found) > size else "")


def behind(rows: QuerySet[Row], *, by: Sequence[str], after: str) -> QuerySet[Row]:
    """The rows behind a cursor, the largest first. Raises BadCursor."""
    if after:
        rows = rows.filter(_smaller(by, cursor_values(rows, after, by=by)))
    return rows.order_by(*(f"-{name}" for name in by))


def cursor_of(row: Model, *, by: Sequence[str]) -> str:
    """What names this row in an address, in characters that need no escaping."""
    return SEPARATOR.join(_written(getattr(row, name)) for name in by)


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    return str(value)


def _smaller(by: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows whose fields, in their order, come behind these values."""
    condition = Q(**{f"{by[-1]}__lt": values[-1]})
    for name, value in reversed(list(zip(by[:-1], values[:-1], strict=True))):
        condition = Q(**{f"{name}__lt": value}) | (Q(**{name: value}) & condition)
    return condition


def cursor_values(rows: QuerySet[Row], cursor: str, *, by: Sequence[str]) -> list[Any]:
    """What a cursor says of these fields of the row that it names. Raises BadCursor."""
    parts = cursor.split(SEPARATOR)
    if len(parts) != len(by):
        raise BadCursor("The cursor is not one that a page gave.")
    return [_value(_is_time(rows, name), part) for name, part in zip(by, parts, strict=True)]


def _is_time(rows: QuerySet[Row], name: str) -> bool:
    return name != "pk" and isinstance(rows.model._meta.get_field(name), DateTimeField)


def _value(time: bool, part: str) -> datetime | int:
    if not time:
        # `isascii`: "²" is a digit to Python, and no number. 18 digits fit every database's integer.
        if part.isascii() and part.isdigit() and len(part) <= 18:
            return int(part)
        raise BadCursor("The cursor is not one that a page gave.")
    try:
        moment = parse_datetime(part)
    except ValueError:  # written as a time, such as the 32nd of a month, and none
        moment = None
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadCursor("The cursor is not one that a page gave.")
    return moment
