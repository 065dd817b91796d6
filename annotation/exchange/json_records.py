"""JSON objects of a file one at a time: an array of them, JSON lines, or one object; never the whole file at once."""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import msgspec

from annotation.exchange.rows import UnusableFile
from inputs.files.delimited import is_text_encoding, recognise_encoding, unknown_encoding

PART = 1 << 16  # bytes that are read at once
LARGEST = 64 << 20  # characters of one record
BETWEEN = " \t\r\n,"
DECODER = json.JSONDecoder()


def read_objects(stream: IO[bytes], encoding: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON array, of JSON lines, or a single one; UTF-8 or UTF-16 with a BOM where none is given.

    Raises UnusableFile with the number of the record where the file is not JSON, broken off, or holds something else.
    """
    text = _Text(stream, encoding)
    text.skip("\ufeff \t\r\n")
    array = text.take("[")
    count = 0
    while True:
        text.skip(BETWEEN)
        if array and text.take("]"):
            return
        if text.is_empty():
            break
        count += 1
        yield text.next_object(count)
    if array:
        raise UnusableFile(f"The file breaks off after record {count}: its list does not end.")
    if not count:
        raise UnusableFile("The file is empty.")


def line_parts(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """JSON lines, one of each record."""
    for record in records:
        yield msgspec.json.encode(record) + b"\n"


def array_parts(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """A JSON array, an object a line."""
    before = b"[\n"
    for record in records:
        yield before + msgspec.json.encode(record)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


class _Text:
    """The stream's text as far as it was read."""

    def __init__(self, stream: IO[bytes], encoding: str | None) -> None:
        head = stream.read(PART)
        self._stream, self._at, self._given = stream, 0, encoding is not None
        self._encoding = encoding or recognise_encoding(head)
        if not is_text_encoding(self._encoding):
            raise UnusableFile(str(unknown_encoding(self._encoding)))
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._text = self._decode(head)

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeError:
            hint = "" if self._given else "; save it so, or say --encoding"
            raise UnusableFile(f"The file is not {self._encoding.upper()}{hint}.") from None

    def _more(self, size: int = PART) -> bool:
        """Read on; False at the end of the file."""
        data = self._stream.read(size)
        self._text = self._text[self._at :] + self._decode(data, final=not data)
        self._at = 0
        return bool(data)

    def skip(self, characters: str) -> None:
        while True:
            while self._at < len(self._text) and self._text[self._at] in characters:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return

    def take(self, character: str) -> bool:
        found = self._text.startswith(character, self._at)
        self._at += found
        return found

    def is_empty(self) -> bool:
        return self._at >= len(self._text)

    def next_object(self, number: int) -> Mapping[str, Any]:
        """The object that begins here. Raises UnusableFile."""
        if not self._text.startswith("{", self._at):
            raise UnusableFile(f"Record {number} of the file is no JSON object.")
        size = PART
        while True:
            try:
                found, self._at = DECODER.raw_decode(self._text, self._at)
                return dict(found)  # it began with a brace
            except RecursionError:
                raise UnusableFile(f"Record {number} of the file is nested too deeply.") from None
            except ValueError:
                if len(self._text) - self._at > LARGEST:
                    raise UnusableFile(f"Record {number} of the file is larger than {LARGEST >> 20} MiB.") from None
                if not self._more(size):
                    raise UnusableFile(f"Record {number} of the file is not whole JSON.") from None
                size *= 2
