"""The models that predict labels out of sample for each kind of input, with the work that each takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from analysis.metrics.core import work
from analysis.metrics.labels.features import Blocks
from inputs.encoding import feature_kinds
from inputs.types.base import Features

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNIT_ROWS_C = 10.0  # inverse strength of the penalty on rows of unit length
NEIGHBOURS, NEIGHBOURS_ROWS = 10, 20_000
BOOSTING_ROWS = 1000  # with fewer, boosting learns wrong labels by heart
TREES, ROUNDS, LEAVES = 200, 60, 15
DENSE_PASSES = 50  # usual ones, for the work of a fit
MACHINE_PASSES = 8  # there are about 14, the later ones over few of the rows


@dataclass(frozen=True)
class Member:
    """One model of the ensemble, with what its fit takes."""

    name: str
    fit: Callable[[Blocks, Ints], Any]
    ask: Callable[[Any, Blocks], Floats]  # scores (n, classes seen), to be turned into probabilities by a softmax
    work: Callable[[Blocks, int], float]  # of one fit, and of asking as many rows, by features and number of classes


def members_for(types: Mapping[str, str], n: int, seed: int) -> list[Member]:
    """The models for these kinds of input, cheapest and most telling first."""
    kinds = feature_kinds(types)
    other = kinds - {Features.TERMS, Features.VECTOR}
    found = _of_vectors(n) if Features.VECTOR in kinds else []
    if Features.TERMS in kinds:
        found += _of_terms(seed)
    if other:
        found += _of_dense(n, seed, pixels=Features.PIXELS in kinds, linear=Features.TERMS not in kinds)
    return found


def _of_vectors(n: int) -> list[Member]:
    directed = LogisticRegression(C=UNIT_ROWS_C, max_iter=300)
    found = [
        Member(
            "logistic regression on vectors",
            lambda x, y: directed.fit(x.vectors, y),
            _vectors_log,
            lambda x, k: work.linear(work.size_of(x.vectors), k, DENSE_PASSES),
        )
    ]
    if n <= NEIGHBOURS_ROWS:
        alike = KNeighborsClassifier(min(NEIGHBOURS, n // 2), weights="distance", n_jobs=1)
        found.append(
            Member(
                "nearest vectors",
                lambda x, y: alike.fit(x.vectors, y),
                _vectors_log,
                lambda x, k: work.neighbours(work.size_of(x.vectors), k),
            )
        )
    return found


def _of_terms(seed: int) -> list[Member]:
    bayes, machine = MultinomialNB(alpha=0.03), LinearSVC(C=0.1, random_state=seed)
    return [
        Member(
            "naive Bayes",
            lambda x, y: bayes.fit(x.terms, y),
            _terms_log,
            lambda x, k: work.counting(work.size_of(x.terms), k),
        ),
        Member(
            "linear machine",
            lambda x, y: machine.fit(x.together, y),
            _margin,
            lambda x, k: work.linear(work.size_of(x.together), k, MACHINE_PASSES, stochastic=True),
        ),
    ]


def _of_dense(n: int, seed: int, *, pixels: bool, linear: bool) -> list[Member]:
    found = []
    if linear:
        logistic = LogisticRegression(max_iter=300)
        found.append(
            Member(
                "logistic regression",
                lambda x, y: logistic.fit(x.dense, y),
                _dense_log,
                lambda x, k: work.linear(work.size_of(x.dense), k, DENSE_PASSES),
            )
        )
    # Numbers and categories predict less than pixels, so leaves must be larger for calibrated probabilities.
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=2 if pixels else 5, random_state=seed, n_jobs=1)
    found.append(
        Member(
            "extra trees",
            lambda x, y: trees.fit(x.dense, y),
            _dense_log,
            lambda x, k: work.forest(work.size_of(x.dense), TREES),
        )
    )
    if not pixels and n >= BOOSTING_ROWS:
        found.append(_boosted(seed))
    if pixels and n <= NEIGHBOURS_ROWS:
        near = KNeighborsClassifier(min(NEIGHBOURS, n // 2), weights="distance", n_jobs=1)
        found.append(
            Member(
                "nearest neighbours",
                lambda x, y: near.fit(x.dense, y),
                _dense_log,
                lambda x, k: work.neighbours(work.size_of(x.dense), k),
            )
        )
    return found


def _boosted(seed: int) -> Member:
    boosted = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=0.08,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=30,
        early_stopping=False,  # its held-out part would need two rows of every class
        random_state=seed,
    )
    return Member(
        "boosted trees",
        lambda x, y: boosted.fit(x.dense, y),
        _dense_log,
        lambda x, k: work.boosted_trees(work.size_of(x.dense), k, ROUNDS, LEAVES),
    )


def _terms_log(model: Any, x: Blocks) -> Floats:
    result: Floats = model.predict_log_proba(x.terms)
    return result


def _dense_log(model: Any, x: Blocks) -> Floats:
    result: Floats = np.log(np.maximum(model.predict_proba(x.dense), 1e-3))
    return result


def _vectors_log(model: Any, x: Blocks) -> Floats:
    result: Floats = np.log(np.maximum(model.predict_proba(x.vectors), 1e-3))
    return result


def _margin(model: Any, x: Blocks) -> Floats:
    score = model.decision_function(x.together)
    return np.column_stack([-score, score]) if score.ndim == 1 else score
