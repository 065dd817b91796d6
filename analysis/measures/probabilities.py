"""Out-of-sample class probabilities of labelled rows of any kind, within a time budget."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

Floats = NDArray[np.float64]


class ProbabilitiesUndefined(ValueError):
    """No out-of-sample probabilities can be had from this; the message says why."""


@dataclass(frozen=True)
class OutOfSample:
    """`probabilities` (n, k): row i predicted by models that never saw row i. `score`: mean log loss, low = good."""

    probabilities: Floats
    model: str
    score: float
    why: str


def out_of_sample(
    columns: Mapping[str, Sequence[Any]],
    types: Mapping[str, str],
    labels: ArrayLike,
    *,
    seconds: float = 60.0,
    folds: int = 5,
    seed: int = 0,
) -> OutOfSample:
    """Probabilities (n, k) for integer codes `labels` (n,), each row predicted from the other folds."""
    started = time.monotonic()
    given = np.asarray(labels)
    k = int(given.max()) + 1
    fold = _folds(given, folds, np.random.default_rng(seed))
    probabilities = np.zeros((given.size, k))
    for held in range(folds):
        train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        fitted, asked = _features(columns, types, train, test)
        model = LogisticRegression(C=10, max_iter=300).fit(fitted, given[train])
        probabilities[np.ix_(test, model.classes_)] = model.predict_proba(asked)
    probabilities = (probabilities + 1e-6) / (probabilities + 1e-6).sum(axis=1, keepdims=True)
    loss = float(-np.log(probabilities[np.arange(given.size), given]).mean())
    return OutOfSample(
        probabilities, "logistic regression", loss, f"{time.monotonic() - started:.0f} of {seconds:.0f} s"
    )


def _folds(given: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    fold = np.empty(given.size, dtype=np.int64)
    order = rng.permutation(given.size)
    order = order[np.argsort(given[order], kind="stable")]
    fold[order] = np.arange(given.size) % folds
    return fold


def _features(
    columns: Mapping[str, Sequence[Any]], types: Mapping[str, str], train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    parts = [_column(np.asarray(columns[name]), kind, train, test) for name, kind in types.items()]
    return sparse.hstack([a for a, _ in parts]).tocsr(), sparse.hstack([b for _, b in parts]).tocsr()


def _column(
    values: NDArray[Any], kind: str, train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    if kind == "text":
        encoder: Any = TfidfVectorizer(ngram_range=(1, 2))
        cells: Any = values.astype(str)
    elif kind == "category":
        encoder, cells = OneHotEncoder(handle_unknown="ignore"), values.astype(str).reshape(-1, 1)
    elif kind in ("number", "image"):
        encoder, cells = StandardScaler(), values.astype(float).reshape(values.shape[0], -1)
    else:
        raise ProbabilitiesUndefined(f"{kind!r} is not text, number, category or image.")
    return sparse.csr_matrix(encoder.fit_transform(cells[train])), sparse.csr_matrix(encoder.transform(cells[test]))
