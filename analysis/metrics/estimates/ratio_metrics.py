"""Metrics as a ratio of two sums over items: what labels show of both, and what the scores of all items expect of them.

Every metric here is Σa / Σb with a and b functions of an item's inputs and its true class: accuracy (b = 1), recall (b
= 1 where the class is true), precision (b = 1 where it was predicted), F1, and means such as cost. Given the class
probabilities of an item, the expectation and the variance of a - θ b are known for any θ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.influence_functions import SMALLEST
from validation import arrays
from validation.arrays import Floats, Ints


@dataclass(frozen=True)
class Terms:
    """a and b of the n labelled items, (n,) each, and of all N items by their scores, (N,): Ea, Eb, Eaa, Eab, Ebb.

    within: the least and most that the ratio can be. share: a count among a count, so that 0 ≤ a ≤ b. of_event: exactly
    one, not a linearisation: the truth enters through one event. roc_area: the linearisation of one, in which an item
    of low score may weigh so much that labels hardly ever show it.
    """

    a: Floats
    b: Floats
    expected_a: Floats
    expected_b: Floats
    expected_aa: Floats
    expected_ab: Floats
    expected_bb: Floats
    within: tuple[float, float] = (0.0, 1.0)
    share: bool = True
    of_event: bool = False
    roc_area: bool = False

    def moved(self, ratio: float) -> Floats:
        """a - ratio · b of the labelled items (n,)."""
        return self.a - ratio * self.b

    def expected(self, ratio: float) -> Floats:
        """The expectation of the same for all items (N,)."""
        return self.expected_a - ratio * self.expected_b

    def variance(self, ratio: float) -> Floats:
        """The variance of the same for all items (N,), given the scores."""
        squares = self.expected_aa - 2 * ratio * self.expected_ab + ratio * ratio * self.expected_bb
        return np.maximum(squares - self.expected(ratio) ** 2, 0.0)


@dataclass(frozen=True)
class ScoredItems:
    """N items of a window: probabilities (N, k), predicted codes (N,), places (n,) of labelled ones, their truth."""

    probabilities: Floats
    predicted: Ints
    labelled: Ints
    truth: Ints

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])


def accuracy(items: ScoredItems) -> Terms:
    right = (items.predicted[items.labelled] == items.truth).astype(np.float64)
    chance = items.probabilities[np.arange(items.predicted.size), items.predicted]
    ones = np.ones_like(chance)
    return of_event(right, chance, items.labelled, a=(ones, 0 * ones), b=(0 * ones, ones))


def precision(items: ScoredItems, c: int) -> Terms:
    called = (items.predicted == c).astype(np.float64)
    return _of_class(items, c, a=(called, 0 * called), b=(0 * called, called))


def recall(items: ScoredItems, c: int) -> Terms:
    called = (items.predicted == c).astype(np.float64)
    return _of_class(items, c, a=(called, 0 * called), b=(np.ones_like(called), 0 * called))


def f1(items: ScoredItems, c: int) -> Terms:
    called = (items.predicted == c).astype(np.float64)
    return _of_class(items, c, a=(2 * called, 0 * called), b=(np.ones_like(called), called))


def macro_f1(items: ScoredItems, scores: Floats, sizes: Floats) -> Terms:
    """Mean F1 as the mean of its linearisation at the classes' F1 `scores` (k,); sizes (k,): mean denominator of each.

    Classes of size 0, which occur neither as truth nor as prediction, are left out.
    """
    occurs = sizes > 0
    each = np.where(occurs, 1.0 / np.where(occurs, sizes, 1.0), 0.0) / occurs.sum()
    moved = np.repeat(-(each * scores)[None, :], items.predicted.size, axis=0)
    moved[np.arange(items.predicted.size), items.predicted] += 2 * each[items.predicted]
    moved -= (each * scores)[items.predicted][:, None]
    return of_table(items, moved + scores[occurs].mean(), within=(0.0, 1.0), share=True)


def cost(items: ScoredItems, costs: ArrayLike) -> Terms:
    price = arrays.cost_table(costs, items.classes)
    return of_table(items, price.T[items.predicted], within=(float(price.min()), float(price.max())))


def log_loss(items: ScoredItems) -> Terms:
    """In nats."""
    return of_table(items, -np.log(np.maximum(items.probabilities, SMALLEST)), within=(0.0, np.inf))


def brier(items: ScoredItems) -> Terms:
    """0 to 1 for two classes, 0 to 2 for more."""
    p = items.probabilities
    losses = np.einsum("ij,ij->i", p, p)[:, None] + 1 - 2 * p
    two = items.classes == 2
    return of_table(items, losses / 2 if two else losses, within=(0.0, 1.0 if two else 2.0))


def of_table(items: ScoredItems, values: Floats, *, within: tuple[float, float], share: bool = False) -> Terms:
    """The mean of `values` (N, k), what an item counts if its class is the column."""
    p, ones = items.probabilities, np.ones(items.predicted.size)
    mean = np.einsum("ij,ij->i", p, values)
    return Terms(
        a=values[items.labelled, items.truth],
        b=np.ones(items.labelled.size),
        expected_a=mean,
        expected_b=ones,
        expected_aa=np.einsum("ij,ij,ij->i", p, values, values),
        expected_ab=mean,
        expected_bb=ones,
        within=within,
        share=share,
    )


def _of_class(items: ScoredItems, c: int, *, a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Terms:
    return of_event((items.truth == c).astype(np.float64), items.probabilities[:, c], items.labelled, a=a, b=b)


def of_event(
    seen: Floats, chance: Floats, labelled: Ints, *, a: tuple[Floats, Floats], b: tuple[Floats, Floats]
) -> Terms:
    """Terms that depend on the truth through one event: a = a[0] · event + a[1], b = b[0] · event + b[1]."""
    (a1, a0), (b1, b0) = a, b
    return Terms(
        a=a1[labelled] * seen + a0[labelled],
        b=b1[labelled] * seen + b0[labelled],
        expected_a=a1 * chance + a0,
        expected_b=b1 * chance + b0,
        expected_aa=chance * (a1 + a0) ** 2 + (1 - chance) * a0**2,
        expected_ab=chance * (a1 + a0) * (b1 + b0) + (1 - chance) * a0 * b0,
        expected_bb=chance * (b1 + b0) ** 2 + (1 - chance) * b0**2,
        of_event=True,
    )
