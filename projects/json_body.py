"""JSON bodies: of requests, unpacked within a limit, decoded strictly and refused in one clear sentence; of answers.

Names that stand twice in one object are refused, since programs differ in which of the two they take.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from validation import InvalidInput
from validation.json_values import is_deeper_than, quote
from validation.structs import to_struct

DEEPEST = 64  # levels of nesting; nothing in the API needs more than four
LONGEST_NUMBER = 400  # digits
NDJSON = "application/x-ndjson"
AnyStruct = TypeVar("AnyStruct", bound=msgspec.Struct)


class BadBody(InvalidInput):
    """A body that cannot be used as a whole; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.status = status


@dataclass(frozen=True)
class Unreadable:
    """In the place of a row that is no usable JSON value: the sentence that refuses it."""

    error: str


def read_struct(request: HttpRequest, kind: type[AnyStruct]) -> AnyStruct:
    """The body's one JSON object as a struct. Raises BadBody: 400 for what is not JSON, 422 for what does not fit."""
    value = decode_object(_unpacked(request))
    try:
        return to_struct(value, kind, noun="body")
    except InvalidInput as why:
        raise BadBody(str(why), 422, why.field) from None


def read_batch(request: HttpRequest) -> list[Any]:
    """The rows of a JSON array or of NDJSON; a row that cannot be used is Unreadable. Raises BadBody."""
    content_type = request.headers.get("Content-Type", "")
    return decode_batch(_unpacked(request), content_type=content_type, most_rows=settings.ROW_LIMIT)


def decode_object(data: bytes) -> Any:
    """The JSON value of a body. Raises BadBody."""
    decoder = _Decoder()
    value = decoder.decode(data, "The body")
    if why := decoder.fault(value):
        raise BadBody(f"The body {why}.")
    return value


def decode_batch(data: bytes, *, content_type: str, most_rows: int) -> list[Any]:
    if content_type.partition(";")[0].strip().lower() == NDJSON:
        quick = _decode_plain(data, lines=True)
        if quick is not None:
            _limit(quick, most_rows)
            return quick
        lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
        _limit(lines, most_rows)
        return [_line(number, line) for number, line in lines]
    quick = _decode_plain(data)
    if quick is not None:
        _limit(quick, most_rows)
        return quick
    decoder = _Decoder()
    rows = decoder.decode(data, "The body")
    if not isinstance(rows, list):
        raise BadBody("The body is not a JSON array of rows.")
    _limit(rows, most_rows)
    return [Unreadable(f"The row {why}.") if (why := decoder.fault(row)) else row for row in rows]


def unpack(body: bytes, *, encoding: str, most_bytes: int) -> bytes:
    """The body unpacked, never beyond the limit: a bomb is refused before it grows. Raises BadBody."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() != "gzip":
        raise BadBody(f"Content-Encoding {quote(encoding, 20)} is not known; send plain or gzip.", 415)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            data = file.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise BadBody("The body is not whole gzip.") from None
    if len(data) > most_bytes:
        raise BadBody(f"The body is more than {most_bytes // 2**20} MiB unpacked; send it in parts.", 413)
    return data


def _unpacked(request: HttpRequest) -> bytes:
    encoding = request.headers.get("Content-Encoding", "")
    return unpack(request.body, encoding=encoding, most_bytes=settings.BODY_LIMIT)


def _limit(rows: Sequence[Any], most_rows: int) -> None:
    if len(rows) > most_rows:
        raise BadBody(f"The batch has {len(rows):,} rows; at most {most_rows:,} are taken at once.", 413)


def _line(number: int, line: bytes) -> Any:
    decoder = _Decoder()
    try:
        value = decoder.decode(line, f"Line {number}")
    except BadBody as why:
        return Unreadable(str(why))
    fault = decoder.fault(value)
    return Unreadable(f"Line {number} {fault}.") if fault else value


def _decode_plain(data: bytes, *, lines: bool = False) -> list[Any] | None:
    """The rows of a body in which there is nothing to refuse, several times as fast; None where there may be.

    A decoder in C tells of no name that stands twice. But in a body without the unusual the names can be counted before
    and after decoding: outside of texts a colon follows a quotation mark, inside of them a backslash comes first.
    """
    if b'\\\\":' in data or LONG_NUMBER in data.translate(DIGITS_ALIKE) or _has_name_apart(data):
        return None
    try:
        rows = [DECODER.decode(line) for line in data.splitlines() if line.strip()] if lines else DECODER.decode(data)
        if not isinstance(rows, list) or _count_names(rows, DEEPEST) != data.count(b'":') - data.count(b'\\":'):
            return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _TooDeep):
        return None
    return rows


NAME_APART = re.compile(rb'"[ \t\r\n]+:')
DECODER = msgspec.json.Decoder()
DIGITS_ALIKE, LONG_NUMBER = bytes.maketrans(b"0123456789", b"0" * 10), b"0" * LONGEST_NUMBER


def _has_name_apart(data: bytes) -> bool:
    """Whether a quotation mark and a colon have space between them somewhere."""
    return any(space in data for space in (b" :", b"\t:", b"\n:", b"\r:")) and bool(NAME_APART.search(data))


class _TooDeep(InvalidInput):
    """A value is nested deeper than is taken."""


def _count_names(value: Any, levels: int) -> int:
    """How many names all objects in the value have together. Raises _TooDeep."""
    if levels < 0:
        raise _TooDeep("nested too deeply")
    named = type(value) is dict
    total, parts = (len(value), value.values()) if named else (0, value)
    for part in parts:
        kind = type(part)
        if kind is dict or kind is list:
            total += _count_names(part, levels - 1)
    return total


class RepeatedName(dict[str, Any]):
    """A JSON object in which the name `repeated` stands twice."""

    repeated = ""


class _Decoder:
    """Decodes JSON and remembers whether an object in it named something twice."""

    def __init__(self) -> None:
        self.repeats = False

    def decode(self, data: bytes, what: str) -> Any:
        """The JSON value. NaN and Infinity, which many clients write, are taken, so that only their row is refused."""
        try:
            return json.loads(data.decode("utf-8-sig"), object_pairs_hook=self._build, parse_int=_parse_int)
        except RecursionError:
            raise BadBody(f"{what} is nested too deeply.") from None
        except UnicodeDecodeError as why:
            raise BadBody(f"{what} is not JSON: byte {why.start} is not UTF-8.") from None
        except ValueError as why:
            raise BadBody(f"{what} is not JSON: {why}.") from None

    def _build(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.repeats = True
        marked = RepeatedName(found)
        marked.repeated = _first_repeated([name for name, _ in pairs])
        return marked

    def fault(self, value: Any) -> str | None:
        """What is wrong with a decoded value, as the end of a sentence."""
        if is_deeper_than(value, DEEPEST):
            return f"is nested more than {DEEPEST} levels deep"
        repeated = _repeated_name(value) if self.repeats else None
        return None if repeated is None else f"names {quote(repeated)} twice in one object"


def _first_repeated(names: Sequence[str]) -> str:
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name stands twice")


def _parse_int(digits: str) -> int | float:
    """Thousands of digits are a number that nothing stores, as infinity is; Python refuses to turn them into one."""
    return int(digits) if len(digits) < LONGEST_NUMBER else float(digits)


def _repeated_name(value: Any) -> str | None:
    if isinstance(value, RepeatedName):
        return value.repeated
    if not isinstance(value, dict | list):
        return None
    inner = value.values() if isinstance(value, dict) else value
    return next((name for part in inner if (name := _repeated_name(part)) is not None), None)


def json_response(body: msgspec.Struct) -> HttpResponse:
    """The answer with this body."""
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")
