"""Ranking metrics from one sort of the scores: counts above each threshold, ROC and PR areas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core.design import Design
from analysis.metrics.core.weighted import Estimate, linearised, undefined
from validation.arrays import Bools, Floats

ROC = "Hájek ROC area, DeLong's variance, logit t"
PR = "Hájek average precision, linearised variance, logit t"


@dataclass(frozen=True)
class Ranking:
    """Items from the highest score down. order (n,): their rows. last (m,): place of each distinct score's last item.

    truth, weight (n,): in that order. Cumulative sums at `last` are what lies at or above each distinct score.
    """

    order: NDArray[np.intp]
    last: NDArray[np.intp]
    truth: Bools
    weight: Floats
    scores: Floats

    @property
    def tied(self) -> bool:
        return self.last.size < self.order.size

    def at_or_above(self, values: Floats) -> Floats:
        """Cumulative sums (m,) of values (n,), given in ranked order, at each distinct score."""
        running = np.cumsum(values)
        return running[self.last] if self.tied else running

    def per_item(self, values: Floats) -> Floats:
        """Values (m,) of the distinct scores as values (n,) of the ranked items."""
        return np.repeat(values, np.diff(self.last, prepend=-1)) if self.tied else values

    def as_given(self, values: Floats) -> Floats:
        """Values (n,) in ranked order put back into the order of the rows."""
        found = np.empty_like(values)
        found[self.order] = values
        return found


def rank(truth: Bools, scores: Floats, weight: Floats) -> Ranking:
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), scores.size - 1) if scores.size else order
    return Ranking(order, last, truth[order], weight[order], ranked)


def roc_area(ranked: Ranking) -> tuple[float, Floats]:
    """Area under the ROC curve and its change per unit weight of each item (n,), ranked order; ties count half.

    DeLong, DeLong and Clarke-Pearson (1988), with weights. Both classes must be present.
    """
    positive = np.where(ranked.truth, ranked.weight, 0.0)
    above, total = ranked.at_or_above(positive), ranked.at_or_above(ranked.weight)
    beaten = total - above
    all_positive, all_negative = above[-1], beaten[-1]
    # For a positive: the share of negatives below it. For a negative: the share of positives above it.
    half_above = (above + np.concatenate([[0.0], above[:-1]])) / (2 * all_positive)
    half_below = 1 - (beaten + np.concatenate([[0.0], beaten[:-1]])) / (2 * all_negative)
    wins = ranked.per_item(half_below)
    area = float(positive @ wins) / float(all_positive)
    influence = np.where(
        ranked.truth, (wins - area) / all_positive, (ranked.per_item(half_above) - area) / all_negative
    )
    return area, influence


def pr_area(ranked: Ranking) -> tuple[float, Floats]:
    """Average precision and its change per unit weight of each item (n,), ranked order. A positive must be present."""
    positive = np.where(ranked.truth, ranked.weight, 0.0)
    above, total = ranked.at_or_above(positive), ranked.at_or_above(ranked.weight)
    precision, all_positive = above / total, above[-1]
    gained = np.diff(above, prepend=0.0) / all_positive
    area = float(gained @ precision)
    # An item changes the precision at every threshold at or below its own score.
    up, down = gained / total, gained * precision / total
    up, down = np.cumsum(up[::-1])[::-1], np.cumsum(down[::-1])[::-1]
    raised = (precision - area) / all_positive + up - down
    influence = np.where(ranked.truth, ranked.per_item(raised), ranked.per_item(-down))
    return area, influence


def one_sided(truth: Bools) -> str:
    """Why areas are undefined for this truth (n,), or nothing."""
    if not truth.size:
        return "No labelled items."
    found = np.count_nonzero(truth)
    return "" if 0 < found < truth.size else f"All {truth.size} labelled items are of one class."


def roc_auc(truth: Bools, scores: Floats, drawn: Design, *, level: float = 0.95) -> Estimate:
    """Chance that a positive scores above a negative; low, high: its limits. Undefined with one class only."""
    return areas(rank(truth, scores, drawn.weight), drawn, level=level)[0]


def pr_auc(truth: Bools, scores: Floats, drawn: Design, *, level: float = 0.95) -> Estimate:
    """Average precision; low, high: its limits. Undefined with one class only."""
    return areas(rank(truth, scores, drawn.weight), drawn, level=level)[1]


def areas(ranked: Ranking, drawn: Design, *, level: float = 0.95) -> tuple[Estimate, Estimate]:
    """ROC area and average precision of a ranking whose weights are the design's."""
    if why := one_sided(ranked.truth):
        return undefined(why, n=drawn.n, method=ROC), undefined(why, n=drawn.n, method=PR)
    (roc, roc_influence), (pr, pr_influence) = roc_area(ranked), pr_area(ranked)
    return (
        bounded(roc, ranked.as_given(roc_influence), drawn, level=level, method=ROC),
        bounded(pr, ranked.as_given(pr_influence), drawn, level=level, method=PR),
    )


def bounded(value: float, influence: Floats, drawn: Design, *, level: float, method: str) -> Estimate:
    return linearised(value, influence, drawn, level=level, method=method, bounds=(0.0, 1.0))
