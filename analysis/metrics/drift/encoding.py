"""Encode columns of any type as one matrix of floats, fitted on some rows and the same for every later window."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer

from inputs.columns import guess_type
from inputs.encoding import column_transformer, owners
from inputs.frame import Shapes, column_shapes, to_frame
from inputs.types.base import Purpose

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.ArrayLike]


@dataclass(frozen=True)
class Encoder:
    """Columns as one float matrix (n, d), fitted on a reference; `owners` names the column behind each of the d."""

    transformer: ColumnTransformer
    types: Mapping[str, str]
    shapes: Shapes
    owners: tuple[str, ...]

    def matrix(self, columns: Columns) -> Floats:
        """Shape (n, d); NaN = missing. ValueError when a column is missing or a number column holds something else."""
        if missing := [name for name in self.types if name not in columns]:
            raise ValueError(f"columns of the reference are missing: {', '.join(missing)}")
        frame = to_frame(_arrays(columns, self.types), self.types, shapes=self.shapes)
        if frame.empty:
            return np.zeros((0, len(self.owners)))
        return np.asarray(self.transformer.transform(frame), dtype=np.float64)


def encoder(reference: Columns, types: Mapping[str, str] | None = None) -> Encoder:
    """Features that do not change by themselves (`Purpose.DOMAIN`): numbers as they are, categories by rank of
    frequency, text as latent components and its unknown words.

    `types`: the input type of each column, guessed where not given. Everything is learnt from these rows, so that later
    windows and stored references stay comparable.
    """
    if not reference:
        raise ValueError("the reference has no column")
    known = {name: (types or {}).get(name) or guess_type(values) for name, values in reference.items()}
    columns = _arrays(reference, known)
    shapes = column_shapes(columns, known)
    frame = to_frame(columns, known, shapes=shapes)
    if frame.empty:
        raise ValueError("the reference is empty")
    transformer = column_transformer(known, Purpose.DOMAIN, shapes=shapes, each=True, dense=True).fit(frame)
    return Encoder(transformer, known, shapes, owners(transformer, known))


def _arrays(columns: Columns, types: Mapping[str, str]) -> dict[str, npt.NDArray[np.generic]]:
    return {name: np.asarray(columns[name]) for name in types}
