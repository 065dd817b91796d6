"""Columns of an input contract become one pandas frame that scikit-learn can take.

Everything that scikit-learn has no class for happens here, outside the estimator, so that an artifact holds
scikit-learn classes only: blank texts get a mark, images become a fixed number of grey values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from retraining.learning.validation import BadInput, Floats

TYPES = ("text", "number", "category", "image")
BLANK = "∅"  # stands for an empty text or a missing category: a vocabulary is then never empty
VAST = 1e30  # trees hold numbers in 32 bits, and scaling squares them
LARGEST_SIDE = 16  # pixels; larger images are averaged down, so that an image costs at most 256 columns

Columns = Mapping[str, Sequence[Any]]
ImageSize = Mapping[str, tuple[int, int]]


def image_sizes(columns: Columns, types: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Height and width that each image column is brought to: the median seen, at most 16 by 16 pixels."""
    return {name: _median_size(columns[name]) for name, kind in types.items() if kind == "image"}


def to_frame(columns: Columns, types: Mapping[str, str], *, image_size: ImageSize | None = None) -> pd.DataFrame:
    """One row per item; the columns that `pipeline.build` refers to, named `type:name` (`image:name:i` per pixel).

    `columns` maps a name to n values: str or None (text, category), float or None (number), 2-d uint8 array or None
    (image). Missing numbers and pixels are NaN; numbers beyond 1e30 become 1e30. Raises BadInput for a missing column,
    unequal lengths, an unknown type, an infinite number or an image that is not two-dimensional.
    """
    n = _rows(columns, types)
    sizes = image_sizes(columns, types) if image_size is None else image_size
    parts: dict[str, Any] = {}
    for name, kind in types.items():
        if kind == "image":
            pixels = _pixels(name, columns[name], sizes[name])
            parts.update({f"image:{name}:{i}": pixels[:, i] for i in range(pixels.shape[1])})
        elif kind == "number":
            parts[f"number:{name}"] = _numbers(name, columns[name])
        else:
            parts[f"{kind}:{name}"] = np.array([_words(value) for value in columns[name]], dtype=object)
    return pd.DataFrame(parts, index=pd.RangeIndex(n))


def column_names(types: Mapping[str, str], kind: str, image_size: ImageSize) -> list[str]:
    """The frame's column names of one type, in the order of the contract."""
    names = [name for name, given in types.items() if given == kind]
    if kind != "image":
        return [f"{kind}:{name}" for name in names]
    return [f"image:{name}:{i}" for name in names for i in range(image_size[name][0] * image_size[name][1])]


def _rows(columns: Columns, types: Mapping[str, str]) -> int:
    if not types:
        raise BadInput("The input contract has no inputs, so there is nothing to learn from.")
    for name, kind in types.items():
        if kind not in TYPES:
            raise BadInput(f"Input {name!r} has the type {kind!r}; known are {', '.join(TYPES)}.")
        if name not in columns:
            raise BadInput(f"Input {name!r} is in the contract but not in the data.")
    lengths = {name: len(columns[name]) for name in types}
    if len(set(lengths.values())) > 1:
        raise BadInput(f"Inputs have unequal lengths: {lengths}.")
    return next(iter(lengths.values()))


def _words(value: Any) -> str:
    text = "" if value is None or value != value else str(value)
    return text if text.strip() else BLANK


def _numbers(name: str, values: Sequence[Any]) -> Floats:
    try:
        array = np.array([np.nan if value is None else value for value in values], dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(f"Input {name!r} should hold numbers: {error}.") from error
    if array.ndim != 1:
        raise BadInput(f"Input {name!r} should hold one number in each row, not an array of {array.ndim} dimensions.")
    if np.isinf(array).any():
        raise BadInput(f"Input {name!r} is infinite in row {int(np.flatnonzero(np.isinf(array))[0])}.")
    result: Floats = np.clip(array, -VAST, VAST)
    return result


def _median_size(images: Sequence[Any]) -> tuple[int, int]:
    shapes = np.array([np.shape(image)[:2] for image in images if image is not None and np.ndim(image) >= 2])
    if not len(shapes):
        return (1, 1)
    height, width = np.median(shapes, axis=0)
    shrink = min(1.0, LARGEST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _pixels(name: str, images: Sequence[Any], size: tuple[int, int]) -> Floats:
    """Grey values between 0 and 1, shape (n, height * width); a missing image is a row of NaN."""
    rows = np.full((len(images), size[0] * size[1]), np.nan)
    for i, image in enumerate(images):
        if image is not None:
            rows[i] = _resized(name, i, np.asarray(image), size).ravel()
    return rows


def _resized(name: str, i: int, image: np.ndarray, size: tuple[int, int]) -> Floats:
    if image.ndim != 2 or 0 in image.shape or not np.issubdtype(image.dtype, np.number):
        raise BadInput(f"Input {name!r}, row {i}: an image must be a table of grey values, not shape {image.shape}.")
    if not np.isfinite(image).all():
        raise BadInput(f"Input {name!r}, row {i}: grey values must be finite.")
    grey = image.astype(float) / 255.0
    if image.shape == tuple(size):
        return grey
    return _averaging(image.shape[0], size[0]) @ grey @ _averaging(image.shape[1], size[1]).T


@lru_cache(maxsize=64)
def _averaging(source: int, target: int) -> Floats:
    """Matrix (target, source) that averages by overlap of area; its rows sum to 1."""
    edges = np.linspace(0, source, target + 1)
    left = np.maximum(edges[:-1, None], np.arange(source)[None, :])
    right = np.minimum(edges[1:, None], np.arange(1, source + 1)[None, :])
    overlap = np.clip(right - left, 0.0, None)
    result: Floats = overlap / overlap.sum(axis=1, keepdims=True)
    return result
