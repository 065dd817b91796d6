"""Parquet: columns with their types."""

import io
import re
from collections import Counter
from contextlib import suppress
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from inputs.files.table import BadFile

NUMBERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
NULLABLE = {getattr(pa, number.lower())(): getattr(pd, f"{number}Dtype")() for number in NUMBERS}
NULLABLE |= {pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype(), pa.large_string(): pd.StringDtype()}
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")  # row labels of a pandas frame without a name


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Nullable types, so that a gap does not make floats of whole numbers. Raises BadFile."""
    try:
        table = _flat(pq.ParquetFile(io.BytesIO(data)).read())
        twice = [column for column, n in Counter(table.column_names).items() if n > 1]
        # Columns are as they are named, whatever was an index once.
        frame = pd.DataFrame() if twice else table.to_pandas(types_mapper=NULLABLE.get, ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise BadFile(f"{name} is not whole Parquet.") from None
    if twice:
        raise BadFile(f"{name} names the column {twice[0]!r} twice.")
    return frame[[column for column in frame.columns if not UNNAMED_INDEX.fullmatch(str(column))]].apply(_plain_cells)


def _flat(table: pa.Table) -> pa.Table:
    """Structs as columns with a dot (`scores.spam`), as in JSON; bytes as the text that they are."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    for place, field in enumerate(table.schema):
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            with suppress(pa.ArrowInvalid):  # bytes that are no text stay what they are
                table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table


def _plain_cells(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.dtype.categories.dtype).astype(object)
    if column.dtype != object:
        return column
    return column.map(lambda cell: str(cell) if hasattr(cell, "__len__") and not isinstance(cell, str) else cell)
