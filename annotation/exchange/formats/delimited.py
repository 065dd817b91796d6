"""CSV: one flat row an item. What a spreadsheet would run as a formula gets an apostrophe unless raw is asked for."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any, cast

from annotation.exchange.base import BadRecord, ExchangeFormat
from annotation.exchange.columns import DECIMAL, FlatParser, FlatWriter
from annotation.exchange.rows import ExchangeRow, ProjectShape, UnusableFile
from inputs.files.delimited import Dialect
from inputs.files.row_stream import RowStream, stream_rows
from inputs.files.table import BadFile
from projects.spreadsheets import escape, unescape


class Delimited(ExchangeFormat):
    """Separator, decimal mark and encoding of a file are recognised."""

    name = "csv"
    media_type = "text/csv; charset=utf-8"
    ending = "csv"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any] | BadRecord]:
        try:
            found = stream_rows(stream, "The file", dialect)
            for cells in found.rows:
                yield _record(found, cells)
        except BadFile as why:
            raise UnusableFile(str(why)) from None

    def parser(self, project: ProjectShape) -> Callable[[Mapping[str, Any]], ExchangeRow]:
        return FlatParser(project, all_columns=True).parse

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        flat = FlatWriter(project)
        writer = csv.DictWriter(_Lines(), flat.columns, quoting=csv.QUOTE_NONNUMERIC)
        yield cast(bytes, writer.writeheader())
        for row in rows:
            cells = flat.cells(row)
            if not project.raw_cells:
                cells = {name: escape(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
            yield cast(bytes, writer.writerow(cells))


class _Lines:
    """What a CSV writer writes to: it gives each line back, as bytes, which the writer returns."""

    def write(self, line: str) -> Any:
        return line.encode()


def _record(found: RowStream, cells: list[str]) -> Mapping[str, Any] | BadRecord:
    """The row by the names of its columns; a row that is cut short has empty cells at its end."""
    width = len(found.names)
    if len(cells) > width:
        return BadRecord(
            f"The row has {len(cells)} cells, the header {width} names; a cell that holds the separator needs quotes."
        )
    if cells == found.names and width > 1:
        return BadRecord("The row repeats the header: the file is several files in one.")
    record = dict(zip(found.names, map(unescape, cells), strict=False))
    if len(cells) < width:
        record |= dict.fromkeys(found.names[len(cells) :], "")
    record[DECIMAL] = found.decimal
    return record
