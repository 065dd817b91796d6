"""Classifier of the side a row is from, reference or window, with scores of rows that it was not fitted to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from analysis.metrics.drift.separation import HeldOut
from validation import arrays

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Twins = tuple[Array, Array]


def classifier(seed: int) -> HistGradientBoostingClassifier:
    """Small, regularised trees: enough to see any plain difference, too small to learn rows by heart."""
    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.1,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def cross_fitted(
    a: Floats, b: Floats, *, block: int = 1, folds: int = 5, seed: int = 0, twins: Twins | None = None
) -> HeldOut:
    """Out-of-fold P(current | row) of both sides, classes balanced.

    `twins`: the group of each row; those of one group are in one fold where rows are not kept together in blocks, since
    a copy on the other side would teach the classifier the wrong answer.
    """
    pooled = _pooled(a, b, block, folds, seed, twins)
    scores = np.empty(len(pooled.x))
    for held in range(folds):
        scores[pooled.fold == held] = pooled.scores(pooled.fold != held, pooled.fold == held, seed)
    return HeldOut(scores[: len(a)], scores[len(a) :], pooled.block, pooled.fold)


def forward_fitted(
    a: Floats, b: Floats, *, block: int = 1, folds: int = 5, seed: int = 0, twins: Twins | None = None
) -> HeldOut:
    """P(current | row) of the rows of each fold but the first, by a classifier of the folds before; else as
    `cross_fitted`."""
    pooled = _pooled(a, b, block, folds, seed, twins)
    scores = np.empty(len(pooled.x))
    for held in range(1, folds):
        scores[pooled.fold == held] = pooled.scores(pooled.fold < held, pooled.fold == held, seed)
    asked = pooled.fold > 0
    now = asked & (np.arange(len(scores)) >= len(a))
    return HeldOut(scores[asked & ~now], scores[now], pooled.block[asked], pooled.fold[asked])


@dataclass(frozen=True)
class _Pooled:
    """Rows of both sides, reference first, with side, weight, block and fold of each."""

    x: Floats
    side: Array
    weight: Floats
    block: npt.NDArray[np.intp]
    fold: npt.NDArray[np.intp]

    def scores(self, train: Array, asked: Array, seed: int) -> Floats:
        return chances(classifier(seed), self.x[train], self.side[train], self.weight[train])(self.x[asked])[:, 1]


def _pooled(a: Floats, b: Floats, block: int, folds: int, seed: int, twins: Twins | None) -> _Pooled:
    rng = np.random.default_rng(seed)
    (block_a, fold_a), (block_b, fold_b) = _blocks(len(a), block, folds, rng), _blocks(len(b), block, folds, rng)
    group = None if twins is None else arrays.groups_of(np.concatenate(twins), len(a) + len(b))
    if group is not None and block == 1:
        fold_a, fold_b = np.split(_folds_of(group, folds, rng), [len(a)])
    side, weight = np.r_[np.zeros(len(a)), np.ones(len(b))], np.r_[np.full(len(a), len(b) / len(a)), np.ones(len(b))]
    return _Pooled(np.vstack([a, b]), side, weight, np.r_[block_a, block_b + block_a[-1] + 1], np.r_[fold_a, fold_b])


def domain_scores(a: Floats, b: Floats, rows: Floats, *, seed: int = 0) -> Floats:
    """P(current | row), classes balanced, of rows that took no part in the fit."""
    return fit_sides(a, b, seed)(rows)[:, 1]


def fit_sides(a: Floats, b: Floats, seed: int) -> Callable[[Floats], Floats]:
    """Fit a classifier to whole sides; the result maps rows (m, d) to P(side) (m, 2)."""
    weight = np.r_[np.full(len(a), len(b) / len(a)), np.ones(len(b))]
    return chances(classifier(seed), np.vstack([a, b]), np.r_[np.zeros(len(a)), np.ones(len(b))], weight)


def chances(
    trees: HistGradientBoostingClassifier, x: Floats, y: Array, weight: Floats | None = None
) -> Callable[[Floats], Floats]:
    """Fit the trees; the result maps rows (m, d) to P(class) (m, k). A column without any value is dropped,
    which scikit-learn's bins cannot hold."""
    empty = np.isnan(x).all(axis=0)
    trees.fit(np.where(empty, 0.0, x), y, sample_weight=weight)
    return lambda rows: trees.predict_proba(np.where(empty, 0.0, rows))


def _blocks(
    size: int, block: int, folds: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    blocks = np.arange(size) // block
    fold_of = rng.permutation(np.arange(blocks[-1] + 1) % folds)
    return blocks, fold_of[blocks]


def _folds_of(group: npt.NDArray[np.intp], folds: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    folded: npt.NDArray[np.intp] = rng.permutation(np.arange(group.max() + 1) % folds)[group]
    return folded
