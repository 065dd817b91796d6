"""Value of each training label for audited items: what it adds to the accuracy of a k-nearest-neighbour classifier.

The value is the label's exact Shapley value, shared out of that accuracy (Jia et al., Efficient Task-Specific Data
Valuation for Nearest Neighbor Algorithms, VLDB 2019, theorem 1): the sum over all labels is the accuracy itself, and a
label below 0 makes it worse. One audited item ranks all labels by distance and gives each its share; a label's value
is the weighted mean of its shares over the audited items, with the interval of such a mean (`core.design`).

A label whose item is a copy of the audited item has no share in it: what was learnt by heart is no value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from analysis.metrics.core.design import Design, design
from analysis.metrics.core.intervals import t_quantile
from analysis.metrics.core.multiple_tests import benjamini_hochberg
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints

NEIGHBOURS = 10
CELLS = 2_000_000  # shares held at once: what bounds the memory
FEWEST_AUDITED = 10
FALSE_DISCOVERIES = 0.05
METHOD = "KNN-Shapley"


@dataclass(frozen=True)
class LabelValues:
    """Value of each training label (n,), with limits; `harmful` (n,): below 0 at a false discovery rate of 5 %.

    order (n,): most harmful first. accuracy: weighted accuracy of the classifier, which the values sum to where no
    audited item is a copy of a training item. audited: items it was judged on; neighbours: k.
    """

    value: Floats
    low: Floats
    high: Floats
    p_adjusted: Floats
    harmful: Bools
    order: Ints
    accuracy: float
    audited: int
    neighbours: int
    method: str = METHOD


@dataclass(frozen=True)
class LabelledVectors:
    """Items with labels. vectors (n, d); labels (n,): class codes; groups (n,): copies of one item share one code."""

    vectors: ArrayLike
    labels: ArrayLike
    groups: ArrayLike | None = None


@dataclass(frozen=True)
class _Items:
    vectors: Floats
    label: Ints
    group: Ints | None

    @property
    def n(self) -> int:
        return int(self.label.size)


@dataclass
class _Sums:
    """Over the audited clusters of weight W, with A = W times a label's share: Σ A, Σ W A, Σ A² (n,); Σ W accuracy."""

    first: Floats
    crossed: Floats
    squared: Floats
    accuracy: float = 0.0


def label_values(
    training: LabelledVectors,
    audited: LabelledVectors,
    inclusion_probability: ArrayLike,
    *,
    neighbours: int = NEIGHBOURS,
    level: float = 0.95,
) -> LabelValues:
    """Shapley value of each training label for the accuracy on the audited items, each weighted by 1/π.

    Groups of both name the same copies and are given for both or for neither. Raises InvalidInput on bad arrays and on
    fewer than 10 audited items or groups of copies: fewer say nothing about a single label.
    """
    train, asked = _checked(training, "training"), _checked(audited, "audited")
    if train.vectors.shape[1] != asked.vectors.shape[1]:
        raise InvalidInput("Vectors of training and audited items have different lengths.")
    if (train.group is None) != (asked.group is None):
        raise InvalidInput("Groups of copies are needed for training and audited items, or for neither.")
    if neighbours < 1:
        raise InvalidInput("neighbours: at least 1.")
    drawn = design(arrays.inclusion(np.asarray(inclusion_probability), asked.n), groups=asked.group)
    if drawn.units < FEWEST_AUDITED:
        raise InvalidInput(f"{drawn.units} audited items say too little about single labels; {FEWEST_AUDITED} do.")
    return _estimated(_summed(train, asked, drawn, neighbours), drawn, neighbours, arrays.level(level))


def _checked(given: LabelledVectors, name: str) -> _Items:
    vectors = arrays.numbers(f"{name} vectors", given.vectors)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise InvalidInput(f"{name} vectors must be finite numbers of shape (n, d).")
    n = int(vectors.shape[0])
    group = None if given.groups is None else arrays.codes(f"{name} groups", given.groups, n=n)
    return _Items(vectors, arrays.codes(f"{name} labels", given.labels, n=n), group)


def _summed(train: _Items, asked: _Items, drawn: Design, k: int) -> _Sums:
    found = _Sums(np.zeros(train.n), np.zeros(train.n), np.zeros(train.n))
    for rows, cluster in _chunks(drawn, max(CELLS // max(train.n, 1), 1)):
        shares, right = _shares(train, asked, rows, k)
        weight = drawn.weight[rows]
        weighted = np.zeros((cluster[-1] + 1, train.n))
        np.add.at(weighted, cluster, weight[:, None] * shares)
        found.first += weighted.sum(axis=0)
        found.crossed += np.bincount(cluster, weight) @ weighted
        found.squared += (weighted**2).sum(axis=0)
        found.accuracy += float(weight @ right)
    return found


def _chunks(drawn: Design, rows: int) -> Iterator[tuple[Ints, Ints]]:
    """Audited rows with their cluster, counted from 0 in each chunk; a cluster is never parted."""
    cluster = np.arange(drawn.n) if drawn.group is None else drawn.group
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    at = 0
    while at < order.size:
        later = starts[starts >= at + rows]
        end = int(later[0]) if later.size else order.size
        chosen = order[at:end]
        yield chosen, cluster[chosen] - cluster[chosen[0]]
        at = end


def _shares(train: _Items, asked: _Items, rows: Ints, k: int) -> tuple[Floats, Floats]:
    """Each label's share (m, n) in the accuracy (m,) of the k nearest for each of m audited rows.

    With labels ordered by distance, the farthest first: s_i = s_(i+1) + (right_i - right_(i+1)) min(k, i) / (k i).
    Copies of the audited item stand last and count as wrong there, which gives them and everything after them 0.
    """
    own = train.vectors
    distance = (own**2).sum(axis=1) - 2 * asked.vectors[rows] @ own.T
    right = train.label == asked.label[rows][:, None]
    if train.group is not None and asked.group is not None:
        copies = train.group == asked.group[rows][:, None]
        distance[copies] = np.inf
        right &= ~copies
    order = np.argsort(distance, axis=1, kind="stable")
    ranked = np.take_along_axis(right, order, axis=1).astype(float)
    place = np.arange(1, train.n + 1)
    steps = (ranked - np.pad(ranked[:, 1:], ((0, 0), (0, 1)))) * np.minimum(k, place) / (k * place)
    shares = np.empty_like(steps)
    np.put_along_axis(shares, order, np.cumsum(steps[:, ::-1], axis=1)[:, ::-1], axis=1)
    return shares, ranked[:, :k].sum(axis=1) / k


def _estimated(sums: _Sums, drawn: Design, k: int, level: float) -> LabelValues:
    total = float(drawn.weight.sum())
    value = sums.first / total
    squares = float((drawn.summed(drawn.weight) ** 2).sum())
    variance = (sums.squared - 2 * value * sums.crossed + value**2 * squares) / total**2
    spread = np.sqrt(np.maximum(variance, 0.0) * drawn.units / (drawn.units - 1))
    reach = t_quantile(level, drawn.freedom) * spread
    below = student.cdf(np.divide(value, spread, out=np.zeros_like(value), where=spread > 0), drawn.freedom)
    adjusted = benjamini_hochberg(np.where(spread > 0, below, 1.0))
    return LabelValues(
        value=value,
        low=value - reach,
        high=value + reach,
        p_adjusted=adjusted,
        harmful=adjusted <= FALSE_DISCOVERIES,
        order=np.argsort(value, kind="stable"),
        accuracy=sums.accuracy / total,
        audited=drawn.n,
        neighbours=k,
    )
