"""Batches at the door: bodies into rows, and what every kind of row has in common."""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils.dateparse import parse_datetime

DEEPEST = 64  # levels of nesting; nothing in the surface needs more than four


class BadBody(ValueError):
    """A body that is no batch; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class BadRow(ValueError):
    """A row that cannot be kept; the message is the row's error."""


@dataclass(frozen=True)
class Refusal:
    """A row that was not kept, and the sentence that says why."""

    index: int
    key: str | None
    error: str


@dataclass(frozen=True)
class Captured:
    """What became of a batch."""

    created: int
    existing: int
    refused: tuple[Refusal, ...]

    def as_json(self) -> dict[str, Any]:
        refused = [{"index": r.index, "key": r.key, "error": r.error} for r in self.refused]
        return {"created": self.created, "existing": self.existing, "refused": refused}


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
    if _depth(value, DEEPEST):
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


def finite(value: Any) -> bool:
    """Whether the value is a number that every database stores: finite and not absurdly large."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def storable(value: Any) -> bool:
    """Whether a JSON value holds no NaN, no infinity, no NUL and no half surrogate pair."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(storable(name) and storable(part) for name, part in value.items())
    if isinstance(value, list):
        return all(storable(part) for part in value)
    return value is None or isinstance(value, bool) or finite(value)


def _depth(value: Any, left: int) -> bool:
    """True where the value is nested deeper than `left` levels."""
    if not isinstance(value, dict | list):
        return False
    if left == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_depth(part, left - 1) for part in inner if isinstance(part, dict | list))


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
