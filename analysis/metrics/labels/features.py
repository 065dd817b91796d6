"""Typed inputs as the features of a small ensemble, learnt from training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from inputs.encoding import column_transformer, feature_kinds, of_kind
from inputs.frame import Shapes, column_shapes, to_frame
from inputs.types.base import Features, Purpose
from inputs.values import InvalidColumns
from validation import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Matrix = Any  # (n, d) array or scipy sparse matrix

LARGEST_SIDE = 32  # pixels; larger images are averaged down, so that one costs at most 1,024 numbers


@dataclass(frozen=True)
class Blocks:
    """The features of some rows, None where there are none: non-negative `terms` of their text, unit `vectors`, and
    scaled `dense` numbers."""

    terms: sparse.csr_matrix | None
    dense: Floats | None
    vectors: Floats | None = None

    @property
    def blocks(self) -> list[Matrix]:
        """The blocks that there are."""
        return [part for part in (self.terms, self.dense, self.vectors) if part is not None]

    @property
    def together(self) -> Matrix:
        """Terms and numbers side by side."""
        parts = [part for part in (self.terms, self.dense) if part is not None]
        return parts[0] if len(parts) == 1 else sparse.hstack(parts).tocsr()


@dataclass(frozen=True)
class Inputs:
    """The rows of all inputs as a frame, with the types and shapes that encoders need."""

    frame: pd.DataFrame
    types: Mapping[str, str]
    shapes: Shapes


def checked_inputs(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str], n: int) -> Inputs:
    """The columns as a frame of n rows. Raises InvalidInput."""
    try:
        shapes = column_shapes(columns, types, largest_side=LARGEST_SIDE)
        frame = to_frame(columns, types, shapes=shapes)
    except InvalidColumns as why:
        raise InvalidInput(str(why)) from None
    if len(frame) != n:
        raise InvalidInput(f"The inputs have {len(frame)} rows, the labels {n}.")
    return Inputs(frame, types, shapes)


def encode(inputs: Inputs, train: Ints, asked: Ints) -> tuple[Blocks, Blocks]:
    """Features of the rows to learn from and of the rows to be asked about; encoders learn from the former alone."""
    texts, vectors = of_kind(inputs.types, Features.TERMS), of_kind(inputs.types, Features.VECTOR)
    others = {name: kind for name, kind in inputs.types.items() if name not in texts and name not in vectors}
    terms, rows, dense = (_encoded(inputs, types, train, asked) for types in (texts, vectors, others))
    learnt, wanted = (
        Blocks(None if terms is None else sparse.csr_matrix(terms[side]), dense and dense[side], rows and rows[side])
        for side in (0, 1)
    )
    return learnt, wanted


def _encoded(inputs: Inputs, types: Mapping[str, str], train: Ints, asked: Ints) -> tuple[Any, Any] | None:
    """Features of both parts from inputs of these types; None without any."""
    if not types:
        return None
    texts = Features.TERMS in feature_kinds(types)
    encoder = column_transformer(types, Purpose.LABEL_ERRORS, shapes=inputs.shapes, dense=not texts)
    return encoder.fit_transform(inputs.frame.iloc[train]), encoder.transform(inputs.frame.iloc[asked])
