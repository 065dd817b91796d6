"""Batches of rows: what became of each, and the parts that every kind of row shares."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.utils.dateparse import parse_datetime
from msgspec import Struct

from annotation.row_fields import LONGEST_KEY
from validation import InvalidInput
from validation.json_values import quote, shorten

LONGEST_ERROR = 500
MOST_AHEAD = timedelta(days=1)
log = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError, ProgrammingError)  # no row's fault: the whole request fails


class BadRow(InvalidInput):
    """A row that cannot be kept; the message is the row's error."""


class Refusal(Struct, frozen=True, omit_defaults=True):
    """A row that was not kept, the sentence that says why, and the field that it is about where there is one.

    Make it with `refuse`: neither key nor sentence repeats at length what was sent.
    """

    index: int
    key: str | None
    error: str
    field: str | None = None


class Indexed(Protocol):
    """A checked row that knows its place in the batch and its key."""

    @property
    def index(self) -> int: ...

    @property
    def key(self) -> str: ...


AnyRow = TypeVar("AnyRow", bound=Indexed)
Result = TypeVar("Result")


def isolate_failures(
    rows: Sequence[AnyRow], act: Callable[[Sequence[AnyRow]], Result]
) -> tuple[list[Result], list[Refusal]]:
    """The results of `act` over all rows at once, or, where it raises, over halves of them: one bad row costs no other.

    A row that fails alone is refused, with the details in the log. What says that the database is away is raised.
    """
    if not rows:
        return [], []
    try:
        return [act(rows)], []
    except DATABASE_AWAY:
        raise
    except Exception as why:
        if len(rows) == 1:
            return [], [refuse(rows[0].index, rows[0].key, why)]
    middle = len(rows) // 2
    first, second = isolate_failures(rows[:middle], act), isolate_failures(rows[middle:], act)
    return first[0] + second[0], first[1] + second[1]


def refuse(index: int, key: Any, why: Exception) -> Refusal:
    """The refusal of a row for which this was raised. What nobody foresaw is logged, and named by its type only."""
    key = shorten(key, LONGEST_KEY) if isinstance(key, str) else None
    if isinstance(why, InvalidInput):
        return Refusal(index, key, shorten(str(why), LONGEST_ERROR), why.field)
    log.error("Row %d (key %s) could not be kept", index, quote(key), exc_info=why)
    return Refusal(index, key, f"This row could not be kept ({type(why).__name__}); the server's log says why.")


class Captured(Struct, frozen=True):
    """What became of a batch: how many rows were new, known already, and refused."""

    created: int
    existing: int
    refused: tuple[Refusal, ...]


def in_order(*refused: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """All refusals by the index of their row."""
    return tuple(sorted((one for part in refused for one in part), key=lambda refusal: refusal.index))


def printable(field: str, value: str | None) -> str:
    """The text of a field, or "" where it is absent. Raises BadRow for characters that no line shows."""
    if value is None:
        return ""
    if not value.isprintable():
        raise BadRow(f"`{field}` takes printable characters only; it is {quote(value)}.", field=field)
    return value


def parse_time(given: str | None, now: datetime) -> datetime:
    """An RFC 3339 time with its zone, or `now` where none is given.

    Nothing happened after it was captured: a clock that is up to a day ahead counts as now. What is later is refused,
    because it would be the newest for ever.
    """
    if given is None:
        return now
    try:
        moment = parse_datetime(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise BadRow(f"`at` is {quote(given, 40)}; a time such as 2026-11-23T14:00:00Z is expected.", field="at")
    if moment > now + MOST_AHEAD:
        raise BadRow(f"`at` is {quote(given, 40)}, more than a day ahead of this server's clock.", field="at")
    return min(moment.astimezone(UTC), now)


def body_hash(given: Any) -> str:
    """SHA-256 of the row as canonical JSON: equal content, equal hash, whatever the order of its fields."""
    try:
        return hashlib.sha256(msgspec.json.encode(given, order="deterministic")).hexdigest()
    except UnicodeEncodeError:  # half of a surrogate pair
        return former_body_hash(given)


def is_same_body(given: Any, own_hash: str, stored_hash: str) -> bool:
    """Whether the row that was stored with a hash has the body of this one; the hash may be of a former version."""
    return own_hash == stored_hash or former_body_hash(given) == stored_hash


def former_body_hash(given: Any) -> str:
    """The hash of a row as former versions stored it: of other JSON for the same content. The row may be its JSON."""
    if isinstance(given, bytes):
        given = msgspec.json.decode(given)
    text = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
