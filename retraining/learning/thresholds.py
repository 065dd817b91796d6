"""From probabilities to decisions at least cost: what each mistake costs decides, not one half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints
from validation.probabilities import check_probabilities


@dataclass(frozen=True)
class Threshold:
    """Predict positive at `value` or above; `cost` is the mean cost per item on the rows it was chosen on.

    `in_theory` is the threshold that perfectly calibrated scores would have: false positive / (both costs).
    """

    value: float
    cost: float
    in_theory: float


@dataclass(frozen=True)
class Band:
    """Negative below `low`, positive from `high` on, a person between; `cost` is the mean per item, review included."""

    low: float
    high: float
    cost: float
    review_share: float


def choose(
    scores: ArrayLike,
    positive: ArrayLike,
    *,
    false_positive: float,
    false_negative: float,
    weights: ArrayLike | None = None,
) -> Threshold:
    """The cheapest threshold on held-out rows. scores: (n,) in [0, 1]; positive: (n,) bool; costs in any one unit.

    Among equally cheap cuts the one nearest to the theoretical threshold is taken, half-way between its neighbours.
    Raises InvalidInput on NaN, empty input, or costs that are negative or both zero.
    """
    score, truth, weight = _rows(scores, positive, weights)
    theory = _in_theory(false_positive, false_negative)
    cuts, missed, alarmed = _cuts(score, truth, weight)
    cost = (missed * false_negative + alarmed * false_positive) / weight.sum()
    best = np.flatnonzero(cost <= cost.min() + 1e-12)
    i = best[np.argmin(np.abs(cuts[best] - theory))]
    return Threshold(float(cuts[i]), float(cost[i]), theory)


def band(
    scores: ArrayLike,
    positive: ArrayLike,
    *,
    false_positive: float,
    false_negative: float,
    review: float,
    weights: ArrayLike | None = None,
) -> Band:
    """The cheapest pair of thresholds when a person, who is taken to be right, costs `review` per item."""
    score, truth, weight = _rows(scores, positive, weights)
    _in_theory(false_positive, false_negative)
    if not (np.isfinite(review) and review >= 0):
        raise InvalidInput("The cost of a review must be a number of at least 0.")
    cuts, missed, alarmed = _cuts(score, truth, weight)
    below = _weight_below(cuts, score, weight)
    # cost of (low, high) = missed(low) fn + alarmed(high) fp + (below(high) - below(low)) review: it splits in two
    left = missed * false_negative - below * review
    right = alarmed * false_positive + below * review
    cheapest_left = np.minimum.accumulate(left)
    high = int(np.argmin(cheapest_left + right))
    low = int(np.argmin(left[: high + 1]))
    cost = float((left[low] + right[high]) / weight.sum())
    return Band(float(cuts[low]), float(cuts[high]), cost, float((below[high] - below[low]) / weight.sum()))


def cheapest_class(probabilities: ArrayLike, costs: ArrayLike) -> Ints:
    """The class with the least expected cost, shape (n,). costs: (k, k), row the truth, column the decision."""
    p = check_probabilities(probabilities)
    table = cost_table(costs, n_classes=p.shape[1])
    result: Ints = (p @ table).argmin(axis=1)
    return result


def cost_table(costs: ArrayLike, *, n_classes: int | None = None) -> Floats:
    table = arrays.numbers("costs", costs)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or n_classes not in (None, len(table)):
        raise InvalidInput("costs must be a square table: a row per true class, a column per decision.")
    if not np.isfinite(table).all() or (table < 0).any():
        raise InvalidInput("costs must be finite and not negative.")
    return table


def _rows(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Bools, Floats]:
    score = arrays.numbers("scores", scores)
    if score.ndim != 1 or not len(score):
        raise InvalidInput("scores must be one row of at least one number.")
    if not np.isfinite(score).all() or (score < 0).any() or (score > 1).any():
        raise InvalidInput("scores must lie between 0 and 1.")
    truth = np.asarray(positive)
    if truth.ndim != 1:
        raise InvalidInput("positive must be one row of true and false.")
    arrays.same_length(len(score), positive=truth)
    truth = truth.astype(bool)
    return score, truth, arrays.weights(weights, n=len(score))


def _in_theory(false_positive: float, false_negative: float) -> float:
    both = false_positive + false_negative
    if not np.isfinite(both) or min(false_positive, false_negative) < 0 or not both > 0:
        raise InvalidInput("The two costs must be numbers of at least 0, and not both 0.")
    return float(false_positive / both)


def _cuts(score: Floats, truth: Bools, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Every distinct cut, ascending, from all positive to none, with the weight missed and falsely alarmed."""
    values = np.unique(score)
    cuts = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [np.nextafter(1.0, 2.0)]])
    missed = _weight_below(cuts, score[truth], weight[truth])
    false = _weight_below(cuts, score[~truth], weight[~truth])
    return cuts, missed, weight[~truth].sum() - false


def _weight_below(cuts: Floats, score: Floats, weight: Floats) -> Floats:
    order = np.argsort(score)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return total[np.searchsorted(score[order], cuts, side="left")]
