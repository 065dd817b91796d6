"""The project's own JSON lines: an item a line with all that is known of it; plain rows of columns are read as well."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.columns import parse_flat
from annotation.exchange.json_records import read_objects, write_lines
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ExchangeRow, ProjectShape


class JsonLines(ExchangeFormat):
    """Carries everything that an exchange row holds."""

    name = "jsonl"

    def read_records(self, stream: IO[bytes]) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        if not isinstance(record.get("inputs"), Mapping) or "inputs" in project.inputs:
            return parse_flat(record, project)
        return to_row(record)

    def write_rows(self, rows: Iterable[ExchangeRow], stream: IO[bytes], project: ProjectShape) -> int:
        return write_lines(map(to_record, rows), stream)
