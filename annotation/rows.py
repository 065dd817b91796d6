"""Batches at the door: bodies into rows, and what every kind of row has in common."""

import gzip
import hashlib
import io
import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.utils.dateparse import parse_datetime

from validation import InvalidInput
from validation.json_values import is_deeper_than, quote, shorten

log = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError, ProgrammingError)  # no row's fault: the whole request fails
DEEPEST = 64  # levels of nesting; nothing in the surface needs more than four


class BadBody(InvalidInput):
    """A body that is no batch; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class BadRow(InvalidInput):
    """A row that cannot be kept; the message is the row's error."""


LONGEST_KEY = 200
LONGEST_ERROR = 500


@dataclass(frozen=True)
class Refusal:
    """A row that was not kept, and the sentence that says why; neither repeats at length what was sent."""

    index: int
    key: str | None
    error: str

    def as_json(self) -> dict[str, Any]:
        key = None if self.key is None else shorten(self.key, LONGEST_KEY)
        return {"index": self.index, "key": key, "error": shorten(self.error, LONGEST_ERROR)}


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
    key = key if isinstance(key, str) else None
    if isinstance(why, InvalidInput):
        return Refusal(index, key, shorten(str(why), LONGEST_ERROR))
    log.error("Row %d (key %s) could not be kept", index, quote(key), exc_info=why)
    return Refusal(index, key, f"This row could not be kept ({type(why).__name__}); the server's log says why.")


@dataclass(frozen=True)
class Captured:
    """What became of a batch."""

    created: int
    existing: int
    refused: tuple[Refusal, ...]
    renormalised: int = 0  # of the rows created, those whose scores were divided by their sum
    waiting: int = 0  # signals that are kept and wait for their prediction; not among the created

    @classmethod
    def of(cls, parts: Sequence["Captured"], refused: Sequence[Refusal]) -> "Captured":
        """What became of a batch that was kept in parts, with what was refused before."""
        every = [*refused, *(refusal for part in parts for refusal in part.refused)]
        return cls(
            created=sum(part.created for part in parts),
            existing=sum(part.existing for part in parts),
            refused=tuple(sorted(every, key=lambda refusal: refusal.index)),
            renormalised=sum(part.renormalised for part in parts),
        )

    def as_json(self) -> dict[str, Any]:
        refused = [refusal.as_json() for refusal in self.refused]
        told: dict[str, Any] = {"created": self.created, "existing": self.existing, "refused": refused}
        more = {"renormalised": self.renormalised, "waiting": self.waiting}
        return told | {name: count for name, count in more.items() if count}


def decode(body: bytes, *, content_type: str, encoding: str, most_bytes: int, most_rows: int) -> list[Any]:
    """The rows of a JSON array or of NDJSON, unpacked first where it is gzip. Raises BadBody."""
    data = unpack(body, encoding=encoding, most_bytes=most_bytes)
    if content_type.partition(";")[0].strip().lower() == "application/x-ndjson":
        rows = [_json(line, f"Line {n}") for n, line in enumerate(data.splitlines(), 1) if line.strip()]
    else:
        rows = _json(data, "The body")
        if not isinstance(rows, list):
            raise BadBody("The body is not a JSON array of rows.")
    if len(rows) > most_rows:
        raise BadBody(f"The batch has {len(rows):,} rows; at most {most_rows:,} are taken at once.", 413)
    return rows


def unpack(body: bytes, *, encoding: str, most_bytes: int) -> bytes:
    """The body unpacked, never beyond the limit: a bomb is refused before it grows."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() != "gzip":
        raise BadBody(f"Content-Encoding {encoding[:20]!r} is not known; send plain or gzip.", 415)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            data = file.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise BadBody("The body is not whole gzip.") from None
    if len(data) > most_bytes:
        raise BadBody(f"The body is more than {most_bytes // 2**20} MiB unpacked; send it in parts.", 413)
    return data


def _json(data: bytes, what: str) -> Any:
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        raise BadBody(f"{what} is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        value = _lenient(data, what, str(why))
    if is_deeper_than(value, DEEPEST):
        raise BadBody(f"{what} is nested more than {DEEPEST} levels deep.")
    return value


def _lenient(data: bytes, what: str, why: str) -> Any:
    """Many clients write NaN, which is no JSON; the row that holds it is refused by name, the others are kept."""
    if b"NaN" not in data and b"Infinity" not in data:
        raise BadBody(f"{what} is not JSON: {why}.")
    try:
        return json.loads(data)
    except RecursionError:
        raise BadBody(f"{what} is nested too deeply.") from None
    except ValueError:
        raise BadBody(f"{what} is not JSON: {why}.") from None


def name(given: Mapping[str, Any], field_name: str, *, longest: int, required: bool = False) -> str:
    """A printable text of the row, or "" where it is absent and not required."""
    value = given.get(field_name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not value or len(value) > longest or "\x00" in value or not value.isprintable():
        raise BadRow(f"`{field_name}` takes a text of 1 to {longest} printable characters.")
    return value


def parse_time(given: Any, default: datetime) -> datetime:
    """An RFC 3339 time with its zone, or the default where none is given."""
    if given is None:
        return default
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise BadRow(f"`at` is {str(given)[:40]!r}; a time such as 2026-11-23T14:00:00Z is expected.")
    return moment.astimezone(UTC)


def body_hash(given: Any) -> str:
    """SHA-256 of the row as canonical JSON: equal content, equal hash, whatever the order of its fields."""
    text = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
