"""Rows of text, numbers, categories and images as vectors that Euclidean distance can compare.

Each column becomes a block whose rows lie about one unit apart on average, so no column drowns another by its
units. Text is TF-IDF over one and two words, reduced by truncated SVD to unit rows (latent semantic analysis,
Deerwester et al. 1990); one column of text alone stays exactly that. Numbers become normal scores by rank, which
no outlier or unit can stretch. Categories are one-hot. Images are shrunk to one size and reduced by PCA.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

Vectors = NDArray[np.float32]

TYPES = ("text", "number", "category", "image")
CATEGORIES_KEPT = 50
IMAGE_SIDE = 16


class BadColumns(ValueError):
    """Columns that cannot be made into vectors; the message names the column."""


def vectorise(
    columns: Mapping[str, Sequence[Any]], types: Mapping[str, str], *, dimensions: int = 100, seed: int
) -> Vectors:
    """Turn n rows of mixed columns into (n, d) float32 vectors, 1 <= d <= `dimensions`; small distance = alike.

    `types` names each column to use as text, number, category or image; columns it does not name are left out.
    A text is a string, a number a float, a category anything with a `str`, an image a 2-d uint8 array of any size.
    None and NaN are missing values: an empty text, the column's median (with a mark of its own), a category of its
    own, a blank image. Equal rows get equal vectors, and the same call gives the same vectors.

    Raises `BadColumns` for no columns, an unknown type, lengths that differ, or a value of the wrong kind.
    """
    n = _check(columns, types, dimensions)
    if n == 0:
        return np.zeros((0, 1), dtype=np.float32)
    blocks = [_block(name, columns[name], kind, dimensions, seed) for name, kind in types.items()]
    if len(blocks) == 1:
        return _finish(blocks[0])
    joined = np.hstack([_one_unit_apart(block) for block in blocks])
    return _finish(_reduce(joined, dimensions, seed))


def _check(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str], dimensions: int) -> int:
    if not types:
        raise BadColumns("Name at least one column and its type.")
    if dimensions < 1:
        raise BadColumns(f"Vectors need at least one dimension, not {dimensions}.")
    for name, kind in types.items():
        if kind not in TYPES:
            raise BadColumns(f"Column {name!r} has the type {kind!r}; the types are {', '.join(TYPES)}.")
        if name not in columns:
            raise BadColumns(f"Column {name!r} is named in the types but not given.")
    lengths = {name: len(columns[name]) for name in types}
    if len(set(lengths.values())) > 1:
        raise BadColumns(f"Columns differ in length: {lengths}.")
    return next(iter(lengths.values()))


def _block(name: str, values: Sequence[Any], kind: str, dimensions: int, seed: int) -> Vectors:
    if kind == "text":
        return _text(name, values, dimensions, seed)
    if kind == "number":
        return _number(name, values)
    if kind == "category":
        return _category(values)
    return _reduce(_image(name, values), dimensions, seed)


def _text(name: str, values: Sequence[Any], dimensions: int, seed: int) -> Vectors:
    texts = ["" if is_missing(value) else value for value in values]
    wrong = next((value for value in texts if not isinstance(value, str)), None)
    if wrong is not None:
        raise BadColumns(f"Column {name!r} is text but holds {wrong!r}.")
    try:
        weights = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32).fit_transform(texts)
    except ValueError:  # no row holds a word of two letters: nothing tells the rows apart
        return np.zeros((len(texts), 1), dtype=np.float32)
    if weights.shape[1] <= dimensions:
        dense: Vectors = weights.toarray()
        return dense
    reduced = TruncatedSVD(min(dimensions, len(texts)), random_state=seed).fit_transform(weights)
    result: Vectors = normalize(reduced).astype(np.float32)
    return result


def _number(name: str, values: Sequence[Any]) -> Vectors:
    try:
        numbers = np.array([math.nan if is_missing(value) else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise BadColumns(f"Column {name!r} is a number but: {error}.") from None
    present = ~np.isnan(numbers)
    scores = np.zeros(len(numbers))
    if present.any():  # infinite values rank first or last, and so need no case of their own
        scores[present] = norm.ppf((rankdata(numbers[present]) - 0.5) / present.sum())
    if present.all():
        return scores[:, None].astype(np.float32)
    return np.column_stack([scores, (~present) * 1.0]).astype(np.float32)


def _category(values: Sequence[Any]) -> Vectors:
    names = np.array(["\0missing" if is_missing(value) else str(value) for value in values], dtype=object)
    kinds, codes, counts = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(kinds), dtype=np.intp)
    rank[order] = np.minimum(np.arange(len(kinds)), CATEGORIES_KEPT)  # the rare ones share the last column
    # 1/sqrt(2): two rows of different categories lie one unit apart
    return (np.eye(int(rank.max()) + 1, dtype=np.float32) / np.float32(math.sqrt(2)))[rank[codes]]


def _image(name: str, values: Sequence[Any]) -> Vectors:
    return np.stack([_shrink(name, value) for value in values]).reshape(len(values), -1)


def _shrink(name: str, value: Any) -> Vectors:
    if is_missing(value):
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), dtype=np.float32)
    pixels = np.asarray(value)
    if pixels.ndim != 2 or not pixels.size or pixels.dtype != np.uint8:
        raise BadColumns(f"Column {name!r} is an image but holds {pixels.dtype} of shape {pixels.shape}.")
    shrunk = _averages(pixels.shape[0]) @ (pixels.astype(np.float32) / 255) @ _averages(pixels.shape[1]).T
    return np.asarray(shrunk, dtype=np.float32)


def _averages(length: int) -> Vectors:
    """(IMAGE_SIDE, length): the share of each pixel in each of IMAGE_SIDE equal stretches, so that images of any size
    meet on one grid without aliasing."""
    edges = np.linspace(0, length, IMAGE_SIDE + 1)
    starts = np.arange(length)
    shared = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    result: Vectors = (np.clip(shared, 0, None) * IMAGE_SIDE / length).astype(np.float32)
    return result


def _one_unit_apart(block: Vectors) -> Vectors:
    spread = math.sqrt(float(block.var(axis=0).sum()))
    return block / np.float32(spread) if spread > 1e-6 else np.zeros_like(block)


def _reduce(block: Vectors, dimensions: int, seed: int) -> Vectors:
    most = min(dimensions, *block.shape)
    if block.shape[1] <= dimensions:
        return block
    if not np.ptp(block, axis=0).any():  # all rows alike: there is no direction to keep
        return np.zeros((len(block), 1), dtype=np.float32)
    result: Vectors = PCA(most, random_state=seed, svd_solver="randomized").fit_transform(block)
    return result


def _finish(block: Vectors) -> Vectors:
    return np.ascontiguousarray(block, dtype=np.float32)


def is_missing(value: Any) -> bool:
    """None, NaN of any float type, and pandas' NA and NaT (which are not equal to themselves) are missing."""
    if value is None or isinstance(value, str | np.ndarray):
        return value is None
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA refuses a truth value
        return True
