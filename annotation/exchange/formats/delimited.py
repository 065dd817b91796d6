"""CSV: one flat row an item. What a spreadsheet would run as a formula gets an apostrophe unless raw is asked for."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.columns import DECIMAL, flat_columns, flat_record, parse_flat
from annotation.exchange.rows import ExchangeRow, ProjectShape, UnusableFile
from inputs.files.delimited import Dialect, read_delimited
from inputs.files.table import BadFile
from projects.spreadsheets import escape, unescape


class Delimited(ExchangeFormat):
    """Separator, decimal mark and encoding of a file are recognised."""

    name = "csv"
    media_type = "text/csv; charset=utf-8"
    ending = "csv"

    def read_records(self, stream: IO[bytes]) -> Iterator[Mapping[str, Any]]:
        try:
            frame, decimal = read_delimited(stream.read(), "the file", Dialect())
        except BadFile as why:
            raise UnusableFile(str(why)) from None
        columns = [str(name).strip() for name in frame.columns]
        for cells in frame.itertuples(index=False, name=None):
            yield {DECIMAL: decimal} | {
                name: unescape(cell) if isinstance(cell, str) else cell
                for name, cell in zip(columns, cells, strict=True)
            }

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        return parse_flat(record, project, all_columns=True)

    def write_rows(self, rows: Iterable[ExchangeRow], stream: IO[bytes], project: ProjectShape) -> int:
        text = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, flat_columns(project), quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        count = 0
        for row in rows:
            cells = flat_record(row, project)
            writer.writerow(
                cells
                if project.raw_cells
                else {name: escape(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
            )
            count += 1
        text.detach()
        return count
