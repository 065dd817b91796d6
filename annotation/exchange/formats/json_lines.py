"""The project's own JSON lines: an item a line with all that is known of it; plain rows of columns are read as well."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.columns import FlatParser, flattened
from annotation.exchange.json_records import line_parts, read_objects
from annotation.exchange.own_records import to_record, to_row
from annotation.exchange.rows import ExchangeRow, ProjectShape
from inputs.files.delimited import Dialect

INSIDE = "."  # between the names of an object and of a part of it, where a person names columns


class JsonLines(ExchangeFormat):
    """Carries everything that an exchange row holds."""

    name = "jsonl"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parser(self, project: ProjectShape) -> Callable[[Mapping[str, Any]], ExchangeRow]:
        flat, plain = FlatParser(project).parse, "inputs" in project.inputs
        named = any(INSIDE in column for column in project.columns.inputs.values())

        def parse(record: Mapping[str, Any]) -> ExchangeRow:
            if not plain and not named and isinstance(record.get("inputs"), Mapping):
                return to_row(record)
            return flat({**record, **flattened(record)})

        return parse

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        return line_parts(map(to_record, rows))
