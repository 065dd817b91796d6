"""Columns of text, numbers, categories and images as the features of a small ensemble, learnt from training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Matrix = Any  # (n, d) array or scipy sparse matrix

MARK = "\N{MIDDLE DOT}"  # ends every text, so that no fold is without a term
TYPES = ("text", "number", "category", "image")
VAST = 1e100  # the squares of larger numbers, or of smaller fractions, leave the range of floats
FAR = 1e6  # standard deviations: no distance beyond this says more


class ProbabilitiesUndefined(ValueError):
    """No out-of-sample probabilities can be had from this; the message says why."""


@dataclass(frozen=True)
class Blocks:
    """The features of some rows: non-negative `terms` of their text and scaled `dense` numbers; either may be None."""

    terms: sparse.csr_matrix | None
    dense: Floats | None

    @property
    def together(self) -> Matrix:
        parts = [part for part in (self.terms, self.dense) if part is not None]
        return parts[0] if len(parts) == 1 else sparse.hstack(parts).tocsr()


def checked_columns(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str], n: int) -> dict[str, NDArray[Any]]:
    if not types:
        raise ProbabilitiesUndefined("There are no input columns.")
    for name, kind in types.items():
        if kind not in TYPES:
            raise ProbabilitiesUndefined(f"Column {name!r} is {kind!r}; it must be one of {', '.join(TYPES)}.")
        if name not in columns:
            raise ProbabilitiesUndefined(f"There is no column {name!r}.")
        if len(columns[name]) != n:
            raise ProbabilitiesUndefined(f"Column {name!r} has {len(columns[name])} rows, the labels {n}.")
    return {name: _cells(name, columns[name], kind) for name, kind in types.items()}


def _cells(name: str, values: Sequence[Any], kind: str) -> NDArray[Any]:
    """Text (n,) of str, category (n, 1) of str, number (n, 1) and image (n, pixels) of float."""
    if kind in ("text", "category"):
        words = ["" if pd.isna(v) else str(v) for v in values]
        if kind == "text":
            return np.array([f"{text} {MARK}" for text in words], dtype=object)
        return np.array(words, dtype=object).reshape(-1, 1)
    try:
        numbers = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    except (TypeError, ValueError) as error:
        wanted = "numbers" if kind == "number" else "images of one size"
        raise ProbabilitiesUndefined(f"Column {name!r} does not hold {wanted}.") from error
    if np.isinf(numbers).any() or (kind == "image" and np.isnan(numbers).any()):
        raise ProbabilitiesUndefined(f"Column {name!r} holds values that are not finite.")
    return np.where(np.abs(numbers) < 1 / VAST, 0.0, np.clip(numbers, -VAST, VAST))


def encoded(cells: Mapping[str, NDArray[Any]], types: Mapping[str, str], train: Ints, asked: Ints) -> list[Blocks]:
    """Features of the rows to learn from and of the rows to be asked about; encoders learn from the former alone."""
    terms: list[list[Matrix]] = [[], []]
    dense: list[list[Floats]] = [[], []]
    for name, kind in types.items():
        for encoder in _encoders(kind):
            into = terms if kind == "text" else dense
            into[0].append(encoder.fit_transform(cells[name][train]))
            into[1].append(encoder.transform(cells[name][asked]))
    return [
        Blocks(sparse.hstack(t).tocsr() if t else None, np.hstack(d) if d else None)
        for t, d in zip(terms, dense, strict=True)
    ]


def _encoders(kind: str) -> list[Any]:
    if kind == "text":
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b|[^\w\s]")
        return [words, TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)]
    if kind == "category":
        return [OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)]
    if kind == "number":
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        return [make_pipeline(imputer, StandardScaler(), FunctionTransformer(_held_in))]
    return [_Brightness()]


def _held_in(scaled: Floats) -> Floats:
    """Training rows that are nearly alike make any other row huge, up to beyond what trees can hold."""
    return np.clip(scaled, -FAR, FAR)


class _Brightness:
    """Pixels brought to 0..1 by the brightest one seen: unlike standardising, it keeps noise at the rim small."""

    def fit_transform(self, pixels: Floats) -> Floats:
        self.low, self.span = pixels.min(), max(float(np.ptp(pixels)), 1e-12)
        return self.transform(pixels)

    def transform(self, pixels: Floats) -> Floats:
        result: Floats = (pixels - self.low) / self.span
        return result
