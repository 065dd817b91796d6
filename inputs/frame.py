"""Columns of an input contract as one pandas frame that scikit-learn can take.

Everything that scikit-learn has no class for happens here, outside the estimator, so that an artifact holds
scikit-learn classes only: blank texts get a mark, images become a fixed number of grey values, times become numbers.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from inputs.columns import Values
from inputs.registry import typed
from inputs.types.base import Shape
from inputs.values import InvalidColumns

LARGEST_SIDE = 16  # pixels; larger images are averaged down, so that an image costs at most 256 columns

Columns = Mapping[str, Values]
Types = Mapping[str, str]
Shapes = Mapping[str, Shape]


def column_shapes(columns: Columns, types: Types, *, largest_side: int = LARGEST_SIDE) -> dict[str, Shape]:
    """What the columns that need it are brought to, learnt from these rows: of images the median height and width."""
    shapes = {name: kind.shape(columns[name], largest_side) for name, kind in typed(types).items() if name in columns}
    return {name: shape for name, shape in shapes.items() if shape is not None}


def to_frame(columns: Columns, types: Types, *, shapes: Shapes | None = None) -> pd.DataFrame:
    """One row per item; the columns that `encoding.column_transformer` refers to: `type:name` or `type:name:part`.

    `columns` maps a name to n stored values, of an image its grey values, a 2-d array. What is missing becomes NaN or
    `values.MISSING`. Raises InvalidColumns for no column, a missing one, unequal lengths, an unknown type, or values
    that are not of their type.
    """
    kinds = typed(types)
    n = _rows(columns, types)
    shapes = column_shapes(columns, types) if shapes is None else shapes
    parts: dict[str, Any] = {}
    for name, kind in kinds.items():
        parts.update(kind.frame_columns(name, columns[name], _shape(shapes, name)))
    return pd.DataFrame(parts, index=pd.RangeIndex(n))


def part_names(name: str, types: Types, shapes: Shapes) -> list[str]:
    """The frame's columns that belong to one input."""
    return typed(types)[name].part_names(name, _shape(shapes, name))


def _shape(shapes: Shapes, name: str) -> Shape | None:
    return tuple(shapes[name]) if name in shapes else None  # type: ignore[return-value]  # a list where it was JSON


def _rows(columns: Columns, types: Types) -> int:
    if not types:
        raise InvalidColumns("The input contract has no inputs, so there is nothing to learn from.")
    for name in types:
        if name not in columns:
            raise InvalidColumns(f"Input {name!r} is in the contract but not in the data.")
    lengths = {name: len(columns[name]) for name in types}
    if len(set(lengths.values())) > 1:
        raise InvalidColumns(f"Inputs have unequal lengths: {lengths}.")
    return next(iter(lengths.values()))
