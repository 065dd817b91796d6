"""Parquet: columns with their types."""

import io
import re
from typing import Any

import pandas as pd
import pyarrow as pa

from inputs.files.table import BadFile

UNNAMED_INDEX = re.compile(r"__index_level_\d+__")  # row labels of a pandas frame without a name


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Nullable types, so that a gap does not make floats of whole numbers. Raises BadFile."""
    try:
        frame = pd.read_parquet(
            io.BytesIO(data),
            engine="pyarrow",
            dtype_backend="numpy_nullable",
            to_pandas_kwargs={"ignore_metadata": True},  # columns are as they are named, whatever was an index once
        )
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise BadFile(f"{name} is not whole Parquet.") from None
    return frame[[column for column in frame.columns if not UNNAMED_INDEX.fullmatch(str(column))]].apply(_plain_cells)


def _plain_cells(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.dtype.categories.dtype).astype(object)
    if column.dtype != object:
        return column
    return column.map(lambda cell: str(cell) if hasattr(cell, "__len__") and not isinstance(cell, str) else cell)
