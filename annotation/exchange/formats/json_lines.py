"""The project's own JSON lines: an item a line with all that is known of it; plain rows of columns are read as well."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.columns import FlatParser
from annotation.exchange.json_records import read_objects, write_lines
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ExchangeRow, ProjectShape
from inputs.files.delimited import Dialect


class JsonLines(ExchangeFormat):
    """Carries everything that an exchange row holds."""

    name = "jsonl"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parser(self, project: ProjectShape) -> Callable[[Mapping[str, Any]], ExchangeRow]:
        flat, plain = FlatParser(project).parse, "inputs" in project.inputs

        def parse(record: Mapping[str, Any]) -> ExchangeRow:
            return flat(record) if plain or not isinstance(record.get("inputs"), Mapping) else to_row(record)

        return parse

    def write_rows(self, rows: Iterable[ExchangeRow], stream: IO[bytes], project: ProjectShape) -> int:
        return write_lines(map(to_record, rows), stream)
