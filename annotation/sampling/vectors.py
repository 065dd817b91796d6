"""Rows of typed inputs as vectors that Euclidean distance can compare.

Each input becomes a block of features (`inputs.encoding` for `Purpose.VECTORS`) whose rows lie about one unit apart on
average, so that no input drowns another by its units. One input alone stays as its encoder gives it: a text the unit
rows of a latent semantic analysis, with those of a text encoder beside them where they are given, a number its normal
scores, an image its pixels reduced by PCA, a vector its direction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA

from inputs.encoders.columns import VectorsByInput, vector_name, with_vectors
from inputs.encoding import column_transformer
from inputs.frame import column_shapes, to_frame
from inputs.types.base import EncoderSettings, Purpose
from inputs.values import InvalidColumns

Vectors = NDArray[np.float32]


def vectorise(
    columns: Mapping[str, Sequence[Any]],
    types: Mapping[str, str],
    *,
    texts: VectorsByInput | None = None,
    dimensions: int = 100,
    seed: int,
) -> Vectors:
    """Turn n rows of mixed columns into (n, d) float32 vectors, 1 <= d <= `dimensions`; small distance = alike.

    `types` names each column to use with its input type; columns it does not name are left out. Missing values are
    as their type has them: an empty text, the column's median (with a mark of its own), a level, a blank image. Equal
    rows get equal vectors, and the same call gives the same vectors.

    `texts`: rows (n, e) of text inputs by a text encoder. They stand beside the texts' own TF-IDF, so that texts in a
    language that the encoder does not know stay apart; one text, or one vector, is then up to `dimensions` + e wide.

    Raises InvalidColumns for no columns, an unknown type, lengths that differ, or a value of the wrong type.
    """
    if dimensions < 1:
        raise InvalidColumns(f"Vectors need at least one dimension, not {dimensions}.")
    names = list(types)
    columns, types = with_vectors(columns, types, texts)
    shapes = column_shapes(columns, types)
    frame = to_frame(columns, types, shapes=shapes)
    if frame.empty:
        return np.zeros((0, 1), dtype=np.float32)
    settings = EncoderSettings(seed=seed, dimensions=dimensions)
    encoder = column_transformer(types, Purpose.VECTORS, shapes=shapes, settings=settings, each=True, dense=True)
    features = np.asarray(encoder.fit_transform(frame), dtype=np.float32)
    if len(names) == 1:
        return np.ascontiguousarray(features)
    joined = np.hstack([_one_unit_apart(_block_of(name, features, encoder, types)) for name in names])
    return np.ascontiguousarray(_reduce(joined, dimensions, seed), dtype=np.float32)


def _block_of(name: str, features: Vectors, encoder: ColumnTransformer, types: Mapping[str, str]) -> Vectors:
    """The features of one input, of a text with those of its vectors."""
    parts = [part for part in (name, vector_name(name)) if part in types]
    return np.hstack([features[:, encoder.output_indices_[f"{types[part]}:{part}"]] for part in parts])


def _one_unit_apart(block: Vectors) -> Vectors:
    spread = math.sqrt(float(block.var(axis=0).sum()))
    return block / np.float32(spread) if spread > 1e-6 else np.zeros_like(block)


def _reduce(block: Vectors, dimensions: int, seed: int) -> Vectors:
    most = min(dimensions, *block.shape)
    if block.shape[1] <= dimensions:
        return block
    if not np.ptp(block, axis=0).any():  # all rows alike: there is no direction to keep
        return np.zeros((len(block), 1), dtype=np.float32)
    return np.asarray(PCA(most, random_state=seed, svd_solver="randomized").fit_transform(block))
