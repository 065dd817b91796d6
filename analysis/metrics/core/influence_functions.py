"""Influence functions of metrics, shared by single and paired intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import ranking
from analysis.metrics.core.design import Design
from analysis.metrics.core.weighted import MEAN, NO_ITEMS, Estimate, linearised, undefined
from validation import arrays
from validation.arrays import Floats, Ints

NO_PROBABILITIES = "Needs the probabilities of the classes."
NO_COSTS = "Needs the cost of each mistake."
# The smallest step from 1 that a 64-bit float represents; scikit-learn's log_loss clips there too.
SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Statistic:
    """A value and its change per unit weight of each item (n,); value None: undefined, and `note` says why."""

    value: float | None
    influence: Floats | None
    method: str = MEAN
    note: str = ""
    bounds: tuple[float, float] | None = None
    within: tuple[float, float] = (-np.inf, np.inf)


def estimate(found: Statistic, drawn: Design, level: float) -> Estimate:
    if found.value is None or found.influence is None:
        return undefined(found.note, n=drawn.n, method=found.method)
    return linearised(
        found.value,
        found.influence,
        drawn,
        level=level,
        method=found.method,
        bounds=found.bounds,
        within=found.within,
        note=found.note,
    )


def zero_statistic(note: str, method: str = MEAN) -> Statistic:
    return Statistic(None, None, method, note)


def mean_of(values: Floats, drawn: Design, *, within: tuple[float, float], note: str = "") -> Statistic:
    """Weighted mean of values (n,), none of which can lie outside `within`."""
    if not drawn.n:
        return zero_statistic(NO_ITEMS)
    total = float(drawn.weight.sum())
    value = float(drawn.weight @ values) / total
    return Statistic(value, (values - value) / total, note=note, within=within)


def macro_f1(actual: Ints, called: Ints, k: int, drawn: Design) -> Statistic:
    """Mean F1 over those of the k classes that occur, as truth or prediction."""
    right = actual == called
    size = np.bincount(actual, drawn.weight, k) + np.bincount(called, drawn.weight, k)
    hits = np.bincount(actual[right], drawn.weight[right], k)
    occurs = size > 0
    if not occurs.any():
        return zero_statistic(NO_ITEMS)
    f1 = np.where(occurs, 2 * hits / np.where(occurs, size, 1.0), 0.0)
    each = 1 / (np.where(occurs, size, 1.0) * occurs.sum())
    influence = np.where(right, 2 * each[actual], 0.0) - (f1 * each)[actual] - (f1 * each)[called]
    left_out = int((~occurs).sum())
    note = f"{left_out} of {k} classes never occur and are left out." if left_out else ""
    return Statistic(float(f1[occurs].mean()), influence, note=note, bounds=(0.0, 1.0))


def log_loss(actual: Ints, scored: Floats | None, drawn: Design) -> Statistic:
    """In nats."""
    if scored is None:
        return zero_statistic(NO_PROBABILITIES)
    given = scored[np.arange(drawn.n), actual]
    ruled_out = int(np.count_nonzero(given < SMALLEST))
    note = f"{ruled_out} items were given no chance of being what they are; counted as {SMALLEST:.1g}."
    return mean_of(-np.log(np.maximum(given, SMALLEST)), drawn, within=(0.0, np.inf), note=note if ruled_out else "")


def brier(actual: Ints, scored: Floats | None, drawn: Design) -> Statistic:
    """0 to 1 for two classes, 0 to 2 for more."""
    if scored is None:
        return zero_statistic(NO_PROBABILITIES)
    losses = np.einsum("ij,ij->i", scored, scored) + 1 - 2 * scored[np.arange(drawn.n), actual]
    two = scored.shape[1] == 2
    return mean_of(losses / 2 if two else losses, drawn, within=(0.0, 1.0 if two else 2.0))


def cost(actual: Ints, called: Ints, costs: ArrayLike | None, k: int, drawn: Design) -> Statistic:
    if costs is None:
        return zero_statistic(NO_COSTS)
    price = arrays.cost_table(costs, k)
    return mean_of(price[actual, called], drawn, within=(float(price.min()), float(price.max())))


def auc_statistics(
    actual: Ints, scored: Floats | None, k: int, drawn: Design
) -> tuple[list[Statistic], list[Statistic]]:
    """ROC area and average precision of each class against the rest."""
    if scored is None:
        return [zero_statistic(NO_PROBABILITIES)] * k, [zero_statistic(NO_PROBABILITIES)] * k
    found = [_class_areas(actual, scored, c, drawn) for c in range(k)]
    return [roc for roc, _ in found], [pr for _, pr in found]


def _class_areas(actual: Ints, scored: Floats, c: int, drawn: Design) -> tuple[Statistic, Statistic]:
    of_class = actual == c
    if why := ranking.one_sided(of_class):
        return zero_statistic(why, ranking.ROC), zero_statistic(why, ranking.PR)
    ranked = ranking.rank(of_class, np.ascontiguousarray(scored[:, c]), drawn.weight)
    (roc, roc_influence), (pr, pr_influence) = ranking.roc_area(ranked), ranking.pr_area(ranked)
    return (
        Statistic(roc, ranked.as_given(roc_influence), ranking.ROC, bounds=(0.0, 1.0)),
        Statistic(pr, ranked.as_given(pr_influence), ranking.PR, bounds=(0.0, 1.0)),
    )


def overall(per_class: Sequence[Statistic], positive: int | None) -> Statistic:
    """The positive class's statistic when there are two classes (the second unless given), else the classes' mean."""
    if len(per_class) == 2:
        return per_class[1 if positive is None else positive]
    known = [(s.value, s.influence) for s in per_class if s.value is not None and s.influence is not None]
    if not known:
        return per_class[0]
    value = sum(v for v, _ in known) / len(known)
    influence = np.sum([moved for _, moved in known], axis=0) / len(known)
    method = f"{next(s.method for s in per_class if s.value is not None)}; mean over classes"
    left_out = len(per_class) - len(known)
    note = f"{left_out} of {len(per_class)} classes are left out: no labelled item of it, or of any other."
    return Statistic(value, influence, method, note if left_out else "", (0.0, 1.0))
