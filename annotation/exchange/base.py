"""What an exchange format defines, and what reading a record shares."""

import gzip
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import IO, Any, ClassVar, cast

import msgspec

from annotation.exchange.rows import ExchangeRow, ProjectShape, RefusedRecord, UnusableFile
from inputs.files.delimited import Dialect
from validation import InvalidInput
from validation.json_values import quote, shorten

LONGEST_KEY = 200
GZIP = b"\x1f\x8b"
HASHED = "sha256:"  # how the key of a record without one begins


class BadRecord(InvalidInput):
    """A record of a file that is not of its format; the message is a sentence about this record."""


class ExchangeFormat(ABC):
    """One format. To add one, put a module with a subclass of this into `annotation.exchange.formats`."""

    name: ClassVar[str]
    media_type: ClassVar[str] = "application/x-ndjson"  # of a file that is written
    ending: ClassVar[str] = "jsonl"
    writes: ClassVar[bool] = True  # False: traces of another tool, which are only read

    def read_rows(self, stream: IO[bytes], project: ProjectShape) -> Iterator[ExchangeRow | RefusedRecord]:
        """The file's records in their order, each as a row or with the reason why it is none; one at a time.

        A key that a record before it had is refused; of equal records without a key the second one's ends in -2, and
        so on, so that each is an item. Raises UnusableFile where the file cannot be read on.
        """
        try:
            yield from self._parsed(unpacked(stream), project)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise UnusableFile("The file is not whole gzip.") from None

    def _parsed(self, stream: IO[bytes], project: ProjectShape) -> Iterator[ExchangeRow | RefusedRecord]:
        seen: set[bytes] = set()
        equal: Counter[str] = Counter()
        parse = self.parser(project)
        for number, record in enumerate(self.read_records(stream, project.dialect), 1):
            try:
                if isinstance(record, BadRecord):
                    raise record
                row = parse(record)
                if row.key.startswith(HASHED):
                    equal[row.key] += 1
                    row = row if equal[row.key] == 1 else replace(row, key=f"{row.key}-{equal[row.key]}")
                mark = sha256(row.key.encode("utf-8", "surrogatepass")).digest()[:12]
                if mark in seen:
                    raise BadRecord(f"The key {quote(row.key)} stands in this file twice; the first record counts.")
                seen.add(mark)
            except UnusableFile:  # not a matter of this record
                raise
            except InvalidInput as why:
                yield RefusedRecord(number, str(why))
            else:
                yield row

    def count_rows(self, stream: IO[bytes], project: ProjectShape) -> int | None:
        """How many records the file says that it has; None where it does not. Raises UnusableFile."""
        return None

    @abstractmethod
    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any] | BadRecord]:
        """The file's records, whatever is in them, or why one cannot be read. Raises UnusableFile."""

    def parser(self, project: ProjectShape) -> Callable[[Mapping[str, Any]], ExchangeRow]:
        """What makes a row of each record of one file, in their order. It raises InvalidInput."""
        return partial(self.parse_record, project=project)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        """One record as a row. Raises InvalidInput."""
        raise NotImplementedError(f"{self.name} defines neither parser nor parse_record")

    def write_rows(self, rows: Iterable[ExchangeRow], stream: IO[bytes], project: ProjectShape) -> int:
        """Write the rows as they come and return how many. Raises UnusableFile where the format cannot carry them."""
        count = 0

        def counted() -> Iterator[ExchangeRow]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        for part in self.file_parts(counted(), project):
            stream.write(part)
        return count

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        """The bytes of a file of these rows, in parts as they come.

        Raises UnusableFile before the first part where the format cannot carry them.
        """
        raise UnusableFile(f"{self.name} is read only.")


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream, or what it holds where it is packed by gzip."""
    start = stream.read(len(GZIP))
    stream.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if start == GZIP else stream


def stable_key(record: Mapping[str, Any], *names: str) -> str:
    """The record's own key: the first of these fields that holds one, or a hash of the record, the same every time.

    Raises BadRecord for a record to be hashed that has no UTF-8.
    """
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip() or isinstance(value, int) and not isinstance(value, bool):
            return shorten(str(value), LONGEST_KEY)
    try:
        written = msgspec.json.encode(record, order="deterministic")
    except UnicodeEncodeError:
        raise BadRecord("It holds half a surrogate pair, which is no text.") from None
    return f"{HASHED}{sha256(written).hexdigest()[:40]}"


def without(record: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """The keys that the reader does not know."""
    return {name: value for name, value in record.items() if name not in known}


def as_mapping(value: Any, what: str) -> Mapping[str, Any]:
    """The value as an object, an absent one as empty. Raises BadRecord."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadRecord(f"{what} is {quote(value)}; an object is expected.")
    return value


def as_list(value: Any, what: str) -> list[Any]:
    """The value as a list, an absent one as empty. Raises BadRecord."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRecord(f"{what} is {quote(value)}; a list is expected.")
    return value


def as_objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    """The value as a list of objects. Raises BadRecord."""
    return [as_mapping(part, f"An entry of {what}") for part in as_list(value, what)]


def optional_number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def compact(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what is absent."""
    return {name: value for name, value in record.items() if value is not None}
