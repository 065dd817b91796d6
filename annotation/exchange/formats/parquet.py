"""Parquet: flat rows with typed columns, read and written in parts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import RawIOBase
from itertools import islice
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.columns import SCORES, FlatParser, FlatWriter, flattened
from annotation.exchange.rows import ExchangeRow, ProjectShape, UnusableFile
from inputs.files.delimited import Dialect

PART = 5_000  # rows that are in memory at once
BROKEN = "The file is not whole Parquet."
TYPES = {"number": pa.float64(), "boolean": pa.bool_()}  # of inputs; any other is text


class Parquet(ExchangeFormat):
    """What a cell holds besides texts, numbers and truth values is JSON text."""

    name = "parquet"
    media_type = "application/vnd.apache.parquet"
    ending = "parquet"

    def count_rows(self, stream: IO[bytes], project: ProjectShape) -> int:
        try:
            return int(pq.ParquetFile(stream).metadata.num_rows)
        except (pa.ArrowException, OSError):
            raise UnusableFile(BROKEN) from None

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        try:
            file = pq.ParquetFile(stream)
            nested = any(pa.types.is_struct(kind) for kind in file.schema_arrow.types)
            for batch in file.iter_batches(PART):
                yield from map(flattened, batch.to_pylist()) if nested else batch.to_pylist()
        except (pa.ArrowException, OSError):
            raise UnusableFile(BROKEN) from None

    def parser(self, project: ProjectShape) -> Callable[[Mapping[str, Any]], ExchangeRow]:
        return FlatParser(project, all_columns=True).parse

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        flat, left = FlatWriter(project), iter(rows)
        schema, sink = _schema(flat.columns, project), _Sink()
        with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema) as writer:
            while part := list(map(flat.cells, islice(left, PART))):
                writer.write_table(pa.Table.from_pylist(part, schema=schema))
                yield sink.taken()
        yield sink.taken()


class _Sink(RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _schema(columns: Sequence[str], project: ProjectShape) -> pa.Schema:
    def kind(name: str) -> pa.DataType:
        if name in project.inputs:
            return TYPES.get(project.inputs[name], pa.string())
        return pa.float64() if name.startswith(SCORES) else pa.string()

    return pa.schema([(name, kind(name)) for name in columns])
