"""Rows of CSV one at a time, for files that are too large to be held in memory; recognised as `delimited` does."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from inputs.files.delimited import (
    EXCEL_HINT,
    SAMPLE_ROWS,
    Dialect,
    is_text_encoding,
    parse_rows,
    recognise_decimal,
    recognise_encoding,
    recognise_separator,
    unknown_encoding,
    wrong_encoding,
)
from inputs.files.table import BadFile

SAMPLE = 1 << 18  # bytes from which encoding, separator and decimal mark are recognised
LONGEST_LINE = 1 << 26  # characters
LONGEST_CELL = 1 << 25
LONGEST_HEADER = 10_000  # names

csv.field_size_limit(LONGEST_CELL)  # of the process: csv's own limit would end a file at its first long text


@dataclass(frozen=True)
class RowStream:
    """The names of a file's columns, its decimal mark, and its rows in order, each with as many cells as it has."""

    names: list[str]
    decimal: str
    rows: Iterator[list[str]]


def stream_rows(stream: IO[bytes], name: str, dialect: Dialect) -> RowStream:
    """The file from its beginning. Raises BadFile here, and where a row cannot be read while the rows are taken."""
    sample, encoding = _sample(stream, name, dialect)
    hint = EXCEL_HINT.match(sample)
    sample = sample[hint.end() :] if hint else sample
    separator = dialect.separator or (
        hint.group(1) if hint else recognise_separator(sample[hint.end() if hint else 0 :])
    )
    rows = _rows(stream, name, encoding, separator, given=dialect.encoding is not None)
    header = next(rows, [])
    if hint:
        header = next(rows, [])
    if not any(header):
        raise BadFile(f"{name} is empty.")
    names = [cell.strip() for cell in header]
    if twice := [cell for cell in names if cell and names.count(cell) > 1][:1] if len(names) < LONGEST_HEADER else []:
        raise BadFile(f"{name} names the column {twice[0]!r} twice.")
    return RowStream(names, dialect.decimal or _decimal(sample, separator), rows)


def _sample(stream: IO[bytes], name: str, dialect: Dialect) -> tuple[str, str]:
    """The first whole lines of the file, and its encoding."""
    stream.seek(0)
    data = stream.read(SAMPLE)
    encoding = dialect.encoding or recognise_encoding(data)
    if not is_text_encoding(encoding):
        raise unknown_encoding(encoding)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=len(data) < SAMPLE)
    except UnicodeError:
        raise _wrong_encoding(stream, name, encoding, given=dialect.encoding is not None) from None
    whole = text.rfind("\n") + 1
    return (text[:whole] if len(data) == SAMPLE and whole else text), encoding


def _decimal(sample: str, separator: str) -> str:
    rows = list(islice(filter(None, parse_rows(sample, separator)), SAMPLE_ROWS + 1))
    width = len(rows[0]) if rows else 0
    whole = [row for row in rows[1:] if len(row) == width]
    return recognise_decimal(list(cells) for cells in zip(*whole, strict=True))


def _rows(stream: IO[bytes], name: str, encoding: str, separator: str, *, given: bool) -> Iterator[list[str]]:
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, newline="")
    reader = csv.reader(_lines(text, name), delimiter=separator)
    try:
        yield from filter(None, reader)
    except UnicodeError:
        raise _wrong_encoding(stream, name, encoding, given=given) from None
    except csv.Error as why:
        raise BadFile(f"{name} is not whole CSV in line {reader.line_num}: {why}.") from None
    finally:
        text.detach()  # else it would close the caller's stream


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise BadFile(f"{name} has a line of more than {LONGEST_LINE >> 20} million characters.")
        yield line


def _wrong_encoding(stream: IO[bytes], name: str, encoding: str, *, given: bool) -> BadFile:
    """The refusal, with the line of the first byte that does not fit, found by reading again."""
    stream.seek(0)
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    while True:
        data = stream.read(SAMPLE)
        try:
            line += decoder.decode(data, final=not data).count("\n")
        except UnicodeError as why:
            line += data[: getattr(why, "start", 0)].count(b"\n")
            return wrong_encoding(name, encoding, line, given=given)
        if not data:
            return wrong_encoding(name, encoding, line, given=given)
