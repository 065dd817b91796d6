"""Columns of any kind as one matrix of floats, learnt from a reference and the same for every later window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from analysis.metrics.drift.column_tests import Kind, as_numbers, as_words, kind_of

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.ArrayLike]

MAX_LEVELS = 60
TEXT_COMPONENTS, TEXT_TERMS = 20, 20_000


@dataclass(frozen=True)
class Encoder:
    """Columns as one float matrix (n, d), fitted on a reference; `owners` names the column behind each of the d."""

    parts: tuple[tuple[str, Callable[[Array], Floats]], ...]
    owners: tuple[str, ...]

    def matrix(self, columns: Columns) -> Floats:
        """Shape (n, d); NaN = missing. ValueError when a column is missing or a number column holds something else."""
        if missing := [name for name, _ in self.parts if name not in columns]:
            raise ValueError(f"columns of the reference are missing: {', '.join(missing)}")
        return np.hstack([of(np.asarray(columns[name])) for name, of in self.parts])


def encoder(reference: Columns, types: Mapping[str, Kind] | None = None) -> Encoder:
    """Numbers as they are, categories by rank of frequency, text as 20 latent TF-IDF components and its unknown words.

    Everything is learnt from the reference, so that later windows and stored references stay comparable.
    """
    if not reference:
        raise ValueError("the reference has no column")
    parts, owners = [], []
    for name, values in reference.items():
        column = np.asarray(values)
        if len(column) == 0:
            raise ValueError("the reference is empty")
        of = _encoding(column, (types or {}).get(name) or kind_of(column), name)
        parts.append((name, of))
        owners += [name] * of(column[:1]).shape[1]
    return Encoder(tuple(parts), tuple(owners))


def _encoding(reference: Array, kind: Kind, name: str) -> Callable[[Array], Floats]:
    if kind == "number":
        return lambda values: as_numbers(values, name)[:, None]
    if kind == "category":
        top = pd.Series(as_words(reference, name)).value_counts().index[:MAX_LEVELS]
        return lambda values: _places(top, as_words(values, name))
    return _text_encoding(as_words(reference, name, ""), name)


def _places(top: "pd.Index[str]", values: Array) -> Floats:
    """Rank of each level, levels that are new or rare last."""
    place = top.get_indexer(values).astype(float)
    return np.where(place < 0, float(len(top)), place)[:, None]


def _text_encoding(reference: Array, name: str) -> Callable[[Array], Floats]:
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=TEXT_TERMS)
    try:
        terms = vectors.fit_transform(reference)
    except ValueError:  # sklearn's word for "no term at all"
        return lambda values: np.array([[float(len(text.split()))] for text in as_words(values, name, "")])
    # Texts that are all equal have no variance to explain, over which scikit-learn divides.
    with np.errstate(invalid="ignore", divide="ignore"):
        latent = TruncatedSVD(max(1, min(TEXT_COMPONENTS, terms.shape[1] - 1)), random_state=0).fit(terms)
    analyse = vectors.build_analyzer()

    def of(values: Array) -> Floats:
        texts = as_words(values, name, "")
        found = [analyse(text) for text in texts]
        unknown = [sum(word not in vectors.vocabulary_ for word in words) / max(1, len(words)) for words in found]
        return np.column_stack([latent.transform(vectors.transform(texts)), unknown, [len(words) for words in found]])

    return of
