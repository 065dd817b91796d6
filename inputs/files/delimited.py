"""CSV and TSV: the encoding, the separator and the decimal mark are recognised, or given."""

import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from inputs.files.table import BadFile

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_ROWS = 200  # from which separator and decimal mark are recognised
ROWS_AT_ONCE = 100_000
LINE = re.compile(r"[^\n]*\n|[^\n]+")
WHOLE_ROWS = 0.9  # share of them that have a cell for each name
BYTE_ORDER_MARKS = {  # the longer before the shorter that it begins with
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
EXCEL_HINT = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # the first line of what Excel saves for another country


@dataclass(frozen=True)
class Dialect:
    """How a file of text is written; what is None is recognised."""

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None


def read_delimited(data: bytes, name: str, dialect: Dialect) -> tuple[pd.DataFrame, str]:
    """Every cell as its text, and the decimal mark. Raises BadFile.

    Guessing types would make 7 of a label 007, and a gap of a label NA.
    """
    text = decode(data, name, dialect.encoding)
    if hint := EXCEL_HINT.match(text):
        text = text[hint.end() :]
    separator = dialect.separator or (hint.group(1) if hint else recognise_separator(text))
    header = next(parse_rows(text, separator), [])
    frame = _frame(text, name, separator)
    if len(header) == frame.shape[1]:
        frame.columns = pd.Index(header)  # pandas would rename what is named twice
        _refuse_second_header(frame, header, name)
    sample = (frame.iloc[:SAMPLE_ROWS, at].tolist() for at in range(frame.shape[1]))
    return frame, dialect.decimal or recognise_decimal(sample)


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """The text of the file: UTF-8, UTF-16 with its mark, or as given. Raises BadFile that names the first bad row."""
    chosen = encoding or recognise_encoding(data)
    try:
        return data.decode(chosen)
    except LookupError:
        raise unknown_encoding(chosen) from None
    except UnicodeError as why:
        line = data[: getattr(why, "start", 0)].count(b"\n") + 1
        raise wrong_encoding(name, chosen, line, given=encoding is not None) from None


def is_text_encoding(encoding: str) -> bool:
    """Whether Python decodes texts by this name; hex and rot13 are codecs of another kind."""
    try:
        b"x".decode(encoding, "ignore")
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return False
    return True


def unknown_encoding(encoding: str) -> BadFile:
    return BadFile(f"{encoding!r} is no encoding that is known; say utf-8, utf-16 or latin-1.")


def wrong_encoding(name: str, encoding: str, line: int, *, given: bool) -> BadFile:
    """The file has a byte in this line that the encoding, `given` by a person or recognised, does not have."""
    hint = "" if given else "; if it is Latin-1 or Windows-1252, say --encoding latin-1 or --encoding cp1252"
    return BadFile(f"{name} is not {encoding.upper()}: a byte in line {line} does not fit{hint}.")


def recognise_encoding(data: bytes) -> str:
    """UTF-8, or UTF-16 and UTF-32 by their marks, UTF-16 also by its zeros."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return encoding
    if data[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if data[:1] == b"\0" else "utf-8"


def recognise_separator(text: str) -> str:
    """The mark that parts the header into most names, and nearly every row into as many cells; else the comma."""
    best = (1, ",")
    for separator in SEPARATORS:
        widths = [len(row) for row in islice(parse_rows(text, separator), SAMPLE_ROWS) if row]
        fitting = sum(width == widths[0] for width in widths)
        if widths and widths[0] > best[0] and max(widths) == widths[0] and fitting >= WHOLE_ROWS * len(widths):
            best = (widths[0], separator)
    return best[1]


def recognise_decimal(columns: Iterable[list[str]]) -> str:
    """A comma where some column is made of numbers with commas that mark no thousands, and none has points so."""
    marks = {_decimal_of(cells) for cells in columns}
    return "," if "," in marks and "." not in marks else "."


def _decimal_of(cells: list[str]) -> str | None:
    """The mark of fractions in a column of numbers; None where it has no fractions, or holds something else."""
    written = [cell.strip() for cell in cells if cell.strip()]
    for mark, thousands in ((",", "."), (".", ",")):
        number = re.compile(rf"[+-]?(\d+|[1-9]\d{{0,2}}(\{thousands}\d{{3}})+)?(\{mark}\d+)?")
        grouped = re.compile(rf"[+-]?[1-9]\d{{0,2}}(\{mark}\d{{3}})+")
        broken = [cell for cell in written if mark in cell]
        if broken and all(number.fullmatch(cell) for cell in written) and not all(map(grouped.fullmatch, broken)):
            return mark
    return None


def _why_notparse_rows(text: str, name: str, separator: str, why: Exception) -> BadFile:
    """The first row with cells beyond the header, which belong to no column; else what the parser says."""
    width = 0
    for number, row in enumerate(filter(None, parse_rows(text, separator)), -1):
        width = width or len(row)
        if len(row) > width:
            return BadFile(
                f"{name} has more cells than the header has names in row {number}: {len(row)}, not {width}. "
                f"A cell that holds the separator {separator!r} needs quotes."
            )
    return BadFile(f"{name} is not whole CSV: {' '.join(str(why).split())}.")


def _refuse_second_header(frame: pd.DataFrame, header: list[str], name: str) -> None:
    """Files that were put one after the other: their names would be labels, and their numbers texts."""
    if len(header) < 2 or not all(header):
        return
    repeated = np.flatnonzero(np.logical_and.reduce([frame.iloc[:, at] == word for at, word in enumerate(header)]))
    if repeated.size:
        raise BadFile(
            f"{name} repeats its header in row {repeated[0]}: it is several files in one; leave that row out."
        )


def parse_rows(text: str, separator: str) -> Iterator[list[str]]:
    """The rows as far as they can be parted: a text beyond csv's own limit ends them."""
    try:
        yield from csv.reader((line.group() for line in LINE.finditer(text)), delimiter=separator)
    except csv.Error:
        return


def _frame(text: str, name: str, separator: str) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # else cells beyond the header are dropped
            parts = pd.read_csv(
                io.BytesIO(text.encode()),
                sep=separator,
                dtype=str,
                na_filter=False,
                index_col=False,
                chunksize=ROWS_AT_ONCE,  # each cell is a text of Python, many times its size, until its part is whole
            )
            return pd.concat(parts, ignore_index=True)
    except (pd.errors.ParserWarning, pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as why:
        raise _why_notparse_rows(text, name, separator, why) from None
